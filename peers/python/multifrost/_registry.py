"""The service registry: finds services by name in ``~/.multifrost/services.json``."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import shlex
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ._liveness import Entry, judge_here, own_identity, read_entry
from ._registry_locks import all_locks
from .errors import RegistryError

logger = logging.getLogger("multifrost")

POLL_INTERVAL = 0.1
"""Pause between two reads while waiting for a service, in seconds."""

LOOKS, LOOKS_APART = 10, 0.01
"""How often, and how many seconds apart, a file is read that another program may be writing."""

Services = dict[str, Any]


class Registry:
    """The service registry of one home folder.

    Args:
        home: The folder that contains ``.multifrost``. Default: the user's home folder. A ``HOME`` that is empty or not
            an absolute path counts as not set.

    Raises:
        RegistryError: ``REGISTRY_UNAVAILABLE`` if there is no home folder.
    """

    def __init__(self, home: str | None = None) -> None:
        self.folder = (Path(home).expanduser() if home else _home()) / ".multifrost"
        self.file = self.folder / "services.json"

    def register(self, service_id: str, port: int) -> None:
        """Adds this process under `service_id`. An entry whose service does not run is replaced.

        Args:
            service_id: The name to be found under.
            port: The loopback port that the service listens on.

        Raises:
            RegistryError: ``SERVICE_EXISTS``, ``LOCK_TIMEOUT`` after 10 s, or ``REGISTRY_UNAVAILABLE``.
        """

        def add(services: Services) -> bool:
            entry = read_entry(services.get(service_id))
            if entry is not None and _is_live(entry):
                raise RegistryError(
                    "SERVICE_EXISTS",
                    f"Service '{service_id}' is already running: pid {entry.pid}, port {entry.port}. "
                    "Stop it first, or use another service id.",
                )
            started = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            services[service_id] = {"port": port, "pid": os.getpid(), "started": started, **own_identity()}
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
        """Returns the port of a service that runs. Takes no lock and changes nothing.

        Args:
            service_id: The name of the service.
            timeout: How long to wait for it to be registered, in seconds; 0 looks once. Default: 5.

        Raises:
            RegistryError: ``SERVICE_NOT_FOUND`` after `timeout` seconds, ``REGISTRY_UNAVAILABLE`` at once.
        """
        import asyncio  # takes 30 ms, and a service registers itself without it

        deadline = time.monotonic() + timeout
        while True:
            is_last = time.monotonic() >= deadline
            services = self._look()
            looks = 1
            while services is None and is_last and looks < LOOKS:
                await asyncio.sleep(LOOKS_APART)
                services = self._look()
                looks += 1
            entry = read_entry((services or {}).get(service_id))
            # Asking the port may take 2 s, in which this loop has other things to do.
            judged = None if entry is None else judge_here(entry)
            if entry is not None and judged is None:
                judged = await asyncio.to_thread(_is_live, entry)
            if entry is not None and judged:
                return entry.port
            if is_last:
                raise RegistryError(
                    "SERVICE_NOT_FOUND",
                    f"No service '{service_id}' is running: {self.file} has no entry of a running service with that "
                    f"name (waited {timeout:g} s). Start the service first, with the same HOME.",
                )
            await asyncio.sleep(POLL_INTERVAL)

    def _look(self) -> Services | None:
        """The entries without the locks. None if they cannot be read now."""
        try:
            return self._read()
        except OSError:
            return None

    def _change(self, change: Callable[[Services], bool]) -> None:
        if sys.platform == "win32":
            raise RegistryError("REGISTRY_UNAVAILABLE", "Services need Linux or macOS; spawned workers do not.")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_folder()
            if stat.S_IMODE(self.folder.stat().st_mode) & 0o077:
                self.folder.chmod(0o700)
            with all_locks(self.folder):
                services = self._read_or_set_aside()
                if change(services):
                    self._write(services)
        except OSError as error:
            raise RegistryError(
                "REGISTRY_UNAVAILABLE",
                f"The service registry {self.file} cannot be used: {error.strerror}. "
                "Check the folder's permissions, or set HOME to a writable folder.",
            ) from error

    def _read(self) -> Services | None:
        """The entries, none if there is no file. None if the file is not a map."""
        self._check_folder()
        try:
            file = os.open(self.file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # does not wait for a FIFO
        except FileNotFoundError:
            return {}
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise self._irregular("a socket") from None
            raise
        try:
            mode = os.fstat(file).st_mode
            if not stat.S_ISREG(mode):
                kinds = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO"}
                raise self._irregular(kinds.get(stat.S_IFMT(mode), "a device"))
            with os.fdopen(file, "rb", closefd=False) as opened:
                services = json.loads(opened.read())
        except (ValueError, RecursionError):
            return None
        finally:
            os.close(file)
        return services if isinstance(services, dict) else None

    def _read_or_set_aside(self) -> Services:
        for _ in range(LOOKS):
            services = self._read()
            if services is not None:
                return services
            time.sleep(LOOKS_APART)
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
        aside = self.file.with_name(f"{self.file.name}.corrupt-{stamp}")
        self.file.rename(aside)
        logger.warning("The service registry was corrupt: its old contents are now in %s, and it starts empty", aside)
        return {}

    def _check_folder(self) -> None:
        """Refuses a folder in which other users could send callers to another program."""
        try:
            seen = self.folder.stat()
        except OSError:
            return  # the file in it says more
        if sys.platform == "win32" or not stat.S_ISDIR(seen.st_mode):
            return
        user, name = os.geteuid(), shlex.quote(str(self.folder))
        if seen.st_uid != user:
            raise RegistryError(
                "REGISTRY_UNAVAILABLE",
                f"The folder {self.folder} of the service registry belongs to user {seen.st_uid}, and this process "
                f"runs as user {user}. Run it as that user, set HOME to the home of user {user}, or give the folder to "
                f"user {user}: chown -R {user} {name}",
            )
        if seen.st_mode & stat.S_IWOTH:
            raise RegistryError(
                "REGISTRY_UNAVAILABLE",
                f"Every user of this machine can write the folder {self.folder} of the service registry (mode "
                f"{stat.S_IMODE(seen.st_mode):04o}), and so send callers to another program. Remove what is not yours "
                f"from it, then run: chmod 700 {name}",
            )

    def _irregular(self, kind: str) -> RegistryError:
        return RegistryError(
            "REGISTRY_UNAVAILABLE",
            f"The service registry {self.file} is {kind}, not a regular file. "
            "Remove it or move it away: the next service that registers makes a new one.",
        )

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


def _is_live(entry: Entry) -> bool:
    judged = judge_here(entry)
    if judged is None:
        from ._heartbeat_probe import answers_heartbeat  # rarely needed

        return answers_heartbeat(entry.port)
    return judged


def _home() -> Path:
    if sys.platform == "win32":
        return Path.home()
    home = Path(os.environ.get("HOME", ""))
    if not home.is_absolute():
        import pwd

        with contextlib.suppress(KeyError):
            home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    if not home.is_absolute():
        raise RegistryError(
            "REGISTRY_UNAVAILABLE",
            "The service registry is in the home folder, but HOME is not an absolute path and the system knows no home "
            "of this user. Set HOME to an absolute path.",
        )
    return home
