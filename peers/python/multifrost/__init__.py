"""Multifrost: call methods of a worker in another process, in another language, as if they were local.

Extend `ChildWorker` to be a worker. Use `ParentWorker` to start a worker or to find a service and to call it from
asyncio; `multifrost.sync` has the same parent for programs without asyncio. Errors are in `multifrost.errors`, too.
Modules and folders whose name begins with an underscore are private and may change in any release.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._child.child_worker import ChildWorker
    from ._limits import Limits
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
    "Limits",
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

_MODULES = {
    "ChildWorker": "._child.child_worker",
    "Latency": "._parent.metrics",
    "Limits": "._limits",
    "Metrics": "._parent.metrics",
    "Options": "._parent.options",
    "ParentWorker": "._parent.parent_worker",
    "Registry": "._registry",
}
"""Where the names come from that are not errors. A worker does not need the parent, nor a parent the worker: each is
imported when its name is first used."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_MODULES.get(name, ".errors"), __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
