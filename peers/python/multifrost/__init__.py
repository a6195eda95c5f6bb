"""Multifrost: call methods of a worker in another process, in another language, as if they were local.

Extend `ChildWorker` to be a worker. Use `ParentWorker` to start a worker or to find a service and to call it from
asyncio; `multifrost.sync` has the same parent for programs without asyncio. Errors are in `multifrost.errors`, too.
Modules and folders whose name begins with an underscore are private and may change in any release.
"""

from ._child.child_worker import ChildWorker
from ._parent.metrics import Latency, Metrics
from ._parent.options import Options
from ._parent.parent_worker import ParentWorker
from ._registry import Registry
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
