"""Multifrost: call methods of a worker in another process, in another language, as if they were local."""

from .child.worker import ChildWorker
from .errors import (
    CallError,
    CallTimeoutError,
    CircuitOpenError,
    ConnectionLostError,
    LaunchError,
    MultifrostError,
    NotRunningError,
    OverloadError,
    RegistryError,
    RemoteCallError,
    SerializationError,
    SpawnError,
    WorkerExitedError,
)
from .parent.metrics import Latency, Metrics
from .parent.options import Options
from .parent.worker import ParentWorker
from .registry import Registry

__all__ = [
    "CallError",
    "CallTimeoutError",
    "ChildWorker",
    "CircuitOpenError",
    "ConnectionLostError",
    "Latency",
    "LaunchError",
    "Metrics",
    "MultifrostError",
    "NotRunningError",
    "Options",
    "OverloadError",
    "ParentWorker",
    "Registry",
    "RegistryError",
    "RemoteCallError",
    "SerializationError",
    "SpawnError",
    "WorkerExitedError",
]
__version__ = "0.1.0"
