"""Multifrost: call methods of a worker in another process, in another language, as if they were local."""

from .errors import CallError, LaunchError, MultifrostError, RegistryError, SerializationError
from .registry import Registry
from .worker import ChildWorker

__all__ = [
    "CallError",
    "ChildWorker",
    "LaunchError",
    "MultifrostError",
    "Registry",
    "RegistryError",
    "SerializationError",
]
__version__ = "0.1.0"
