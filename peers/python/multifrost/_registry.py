"""The service registry: finds services by name in ``~/.multifrost/services.json``."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ._registry_locks import all_locks, is_alive
from .errors import RegistryError

logger = logging.getLogger("multifrost")

POLL_INTERVAL = 0.1
"""Pause between two reads while waiting for a service, in seconds."""

Services = dict[str, Any]


class Registry:
    """The service registry of one home folder.

    Args:
        home: The folder that contains ``.multifrost``. Default: the user's home folder.
    """

    def __init__(self, home: str | None = None) -> None:
        self.folder = Path(home or "~").expanduser() / ".multifrost"
        self.file = self.folder / "services.json"

    def register(self, service_id: str, port: int) -> None:
        """Adds this process under `service_id`. An entry of a process that has ended is replaced.

        Args:
            service_id: The name to be found under.
            port: The loopback port that the service listens on.

        Raises:
            RegistryError: ``SERVICE_EXISTS``, ``LOCK_TIMEOUT`` after 10 s, or ``REGISTRY_UNAVAILABLE``.
        """

        def add(services: Services) -> bool:
            entry = services.get(service_id)
            if isinstance(entry, dict) and is_alive(pid := entry.get("pid")):
                raise RegistryError(
                    "SERVICE_EXISTS",
                    f"Service '{service_id}' is already running: pid {pid}, port {entry.get('port')}. "
                    "Stop it first, or use another service id.",
                )
            started = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            services[service_id] = {"port": port, "pid": os.getpid(), "started": started}
            return True

        self._change(add)

    def unregister(self, service_id: str) -> None:
        """Removes the entry of `service_id` if this process registered it.

        Raises:
            RegistryError: ``LOCK_TIMEOUT`` after 10 s, or ``REGISTRY_UNAVAILABLE``.
        """

        def remove(services: Services) -> bool:
            entry = services.get(service_id)
            if not isinstance(entry, dict) or entry.get("pid") != os.getpid():
                return False
            del services[service_id]
            return True

        self._change(remove)

    async def discover(self, service_id: str, timeout: float = 5.0) -> int:
        """Returns the port of a service whose process is running. Takes no lock and changes nothing.

        Args:
            service_id: The name of the service.
            timeout: How long to wait for it to be registered, in seconds. Default: 5.

        Raises:
            RegistryError: ``SERVICE_NOT_FOUND`` after `timeout` seconds.
        """
        import asyncio  # takes 30 ms, and a service registers itself without it

        deadline = time.monotonic() + timeout
        while (port := self._port_of(service_id)) is None:
            if time.monotonic() >= deadline:
                raise RegistryError(
                    "SERVICE_NOT_FOUND",
                    f"No service '{service_id}' is running: {self.file} has no entry of a running process with that "
                    f"name (waited {timeout:g} s). Start the service first, with the same HOME.",
                )
            await asyncio.sleep(POLL_INTERVAL)
        return port

    def _port_of(self, service_id: str) -> int | None:
        try:
            entry = json.loads(self.file.read_bytes())[service_id]
            port = entry["port"]
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None
        is_port = isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65536
        return port if is_port and is_alive(entry.get("pid")) else None

    def _change(self, change: Callable[[Services], bool]) -> None:
        if sys.platform == "win32":
            raise RegistryError("REGISTRY_UNAVAILABLE", "Services need Linux or macOS; spawned workers do not.")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with all_locks(self.folder):
                services = self._read()
                if change(services):
                    self._write(services)
        except OSError as error:
            raise RegistryError(
                "REGISTRY_UNAVAILABLE",
                f"The service registry {self.file} cannot be used: {error.strerror}. "
                "Check the folder's permissions, or set HOME to a writable folder.",
            ) from error

    def _read(self) -> Services:
        try:
            text = self.file.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            services = json.loads(text)
        except (ValueError, RecursionError):
            services = None
        if isinstance(services, dict):
            return services
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
        aside = self.file.with_name(f"{self.file.name}.corrupt-{stamp}")
        self.file.rename(aside)
        logger.warning("The service registry was corrupt: its old contents are now in %s, and it starts empty", aside)
        return {}

    def _write(self, services: Services) -> None:
        file, name = tempfile.mkstemp(prefix="services.json.", suffix=".tmp", dir=self.folder)  # mode 0600
        try:
            with os.fdopen(file, "w", encoding="utf-8") as out:
                json.dump(services, out, indent=2)
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(self.file)
        except BaseException:
            Path(name).unlink()
            raise
