"""Whether the service of a registry entry runs: a pid alone does not tell a process from a later one with the same."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

_PROC = Path("/proc")
_BOOT_ID = _PROC / "sys/kernel/random/boot_id"


class Running(NamedTuple):
    """What the system says about a process that runs."""

    started: str | None = None
    """When it started, on Linux field 22 of ``/proc/<pid>/stat``. None: the system does not say."""


class Entry(NamedTuple):
    """An entry of the registry."""

    port: int
    pid: int
    process_started: str | None
    """When its process started. None in entries of older implementations."""
    boot: str | None
    """The boot in which it runs."""


def read_entry(value: Any) -> Entry | None:
    """Reads an entry of the registry, None if it has no valid port and pid. Other fields of a wrong type are absent."""
    if not isinstance(value, dict):
        return None
    port, pid = _positive(value.get("port")), _positive(value.get("pid"))
    if port is None or pid is None or port > 65535:
        return None
    return Entry(port, pid, _text(value.get("process_started")), _text(value.get("boot")))


def own_identity() -> dict[str, str]:
    """Returns the fields that tell this process from others with its pid. Empty where the system does not say."""
    running, boot = running_process(os.getpid()), boot_id()
    if running is None or running.started is None:
        return {}
    return {"process_started": running.started, **({} if boot is None else {"boot": boot})}


def judge(entry: Entry, own_pid: int, boot: str | None, running: Running | None) -> bool | None:
    """Decides whether the service of an entry runs. None: it does if its port answers a heartbeat.

    Args:
        own_pid: The id of this process.
        boot: The id of this boot, where the system has one.
        running: The process with the entry's pid, None if there is none.
    """
    if running is None:
        return False
    if entry.process_started is not None:
        if entry.boot is not None and boot is not None and entry.boot != boot:
            return False
        if entry.boot == boot and running.started is not None:
            return entry.process_started == running.started
    if entry.pid == own_pid and running.started is not None:
        return False  # this process would have said when it started
    return None


def judge_here(entry: Entry) -> bool | None:
    """Decides by this machine; see `judge`."""
    return judge(entry, os.getpid(), boot_id(), running_process(entry.pid))


def is_alive(pid: object) -> bool:
    """Reports whether a process with this id is running. False for a zombie and for anything that is no process id."""
    return running_process(pid) is not None


def running_process(pid: object) -> Running | None:
    """Returns the process with this id, None if none runs or a zombie is left of it."""
    if (process := _positive(pid)) is None:
        return None
    try:
        os.kill(process, 0)
    except PermissionError:
        pass  # another user's process
    except (ProcessLookupError, OverflowError):
        return None
    stat = _read(_PROC / str(process) / "stat") if _has_own_proc() else None
    return Running() if stat is None else parse_stat(stat)


def boot_id() -> str | None:
    """Returns the id of this boot of the machine, None where the system has none."""
    text = _read(_BOOT_ID) if sys.platform.startswith("linux") else None
    return text.strip() or None if text else None


def parse_stat(stat: str) -> Running | None:
    """Reads ``/proc/<pid>/stat``. None: only a zombie is left. The name in it may have spaces and parentheses."""
    fields = stat[stat.rfind(")") + 2 :].split(" ")
    # A process whose first thread has ended looks like a zombie, but runs as long as it has other threads.
    threads = fields[17] if len(fields) > 17 else ""
    if fields[0] in ("Z", "X") and not (threads.isdigit() and int(threads) > 1):
        return None
    started = fields[19] if len(fields) > 19 else ""
    return Running(started if started.isascii() and started.isdigit() else None)


def _has_own_proc() -> bool:
    """Whether ``/proc`` has this process's ids: it may belong to another PID namespace."""
    try:
        return sys.platform.startswith("linux") and str((_PROC / "self").readlink()) == str(os.getpid())
    except OSError:
        return False


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
