"""Who is at the other end of a loopback connection. Only Linux tells, in /proc."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def belongs_to(sock: socket.socket, leader: int) -> bool:
    """Whether the other end of an accepted connection is a socket of this user in a process of this leader.

    Always True where the system does not tell.

    Args:
        sock: The accepted socket: IPv4, on the loopback interface.
        leader: The id of a process that leads its session. Its descendants count, too.
    """
    if not sys.platform.startswith("linux") or not _TABLES[0].exists():
        return True
    with contextlib.suppress(OSError):
        user, inode = _owner(sock.getpeername(), sock.getsockname())
        return user == os.getuid() and any(_has_socket(pid, inode) for pid in _processes_of(leader))
    return False


def _owner(theirs: tuple[str, int], ours: tuple[str, int]) -> tuple[int, str]:
    """Returns the user and the inode of the socket whose own address is `theirs`; (-1, "") if there is none."""
    local, remote = _hex(theirs), _hex(ours)
    for table in _TABLES:
        with contextlib.suppress(FileNotFoundError):
            for line in table.read_text("ascii").splitlines()[1:]:
                fields = line.split()
                # In the table for IPv6 the last 8 digits of the host are its IPv4 address.
                if fields[1].endswith(local) and fields[2].endswith(remote):
                    return int(fields[7]), fields[9]
    return -1, ""


def _hex(address: tuple[str, int]) -> str:
    host = int.from_bytes(socket.inet_aton(address[0]), sys.byteorder)
    return f"{host:08X}:{address[1]:04X}"


def _processes_of(leader: int) -> list[int]:
    """Returns the processes of this leader's session, and its descendants in other sessions."""
    parents: dict[int, int] = {}
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                # After the program's name, which may contain anything: state, parent, process group, session.
                fields = (folder / "stat").read_text("latin-1").rpartition(")")[2].split()
                parents[int(folder.name)] = int(fields[1])
                if int(fields[3]) == leader:
                    found.add(int(folder.name))
    for pid in parents:
        ancestor = pid
        while ancestor in parents and ancestor != leader:
            ancestor = parents[ancestor]
        if ancestor == leader:
            found.add(pid)
    return sorted(found)


def _has_socket(pid: int, inode: str) -> bool:
    wanted = f"socket:[{inode}]"
    with contextlib.suppress(OSError):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(fd.readlink()) == wanted:
                    return True
    return False
