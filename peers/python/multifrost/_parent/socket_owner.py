"""Who is at the other end of a loopback connection. Only Linux tells, in netlink and in /proc."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import sys
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

_SOCK_DIAG = 4
"""The netlink protocol that finds one socket. See sock_diag(7)."""

_SOCK_DIAG_BY_FAMILY = 20
_REQUEST = 1
_ERROR = 2
_ANY_COOKIE = 0xFFFFFFFF


def knows_owners() -> bool:
    """Whether this system tells which process has a socket."""
    return sys.platform.startswith("linux") and _TABLES[0].exists()


def socket_of_peer(sock: socket.socket) -> str:
    """Returns the inode of the socket at the other end of a connection; empty if it is gone or another user's.

    Args:
        sock: The accepted socket: IPv4, on the loopback interface.
    """
    if knows_owners():
        with contextlib.suppress(OSError):
            user, inode = _owner(sock.getpeername(), sock.getsockname())
            if user == os.getuid():
                return inode
    return ""


def sockets_of(pid: int) -> set[str]:
    """Returns the inodes of the sockets of a process."""
    inodes = set()
    with contextlib.suppress(OSError):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(fd.readlink())
                if target.startswith("socket:["):
                    inodes.add(target[len("socket:[") : -1])
    return inodes


def sockets_of_descendants(leader: int) -> set[str]:
    """Returns the inodes of the sockets of all processes of this leader's session, and of its descendants."""
    return set().union(*map(sockets_of, _processes_of(leader)))


def _owner(theirs: tuple[str, int], ours: tuple[str, int]) -> tuple[int, str]:
    """Returns the user and the inode of the socket whose own address is `theirs`; (-1, "") if there is none."""
    try:
        return _owner_by_netlink(theirs, ours)
    except OSError:  # a sandbox may have no netlink
        return _owner_by_table(theirs, ours)


def _owner_by_netlink(theirs: tuple[str, int], ours: tuple[str, int]) -> tuple[int, str]:
    """Takes 30 µs, however many connections there are. Reading 25,000 lines of the tables takes 60 ms."""
    request = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF)
    request += struct.pack("!HH", theirs[1], ours[1])
    request += struct.pack("4s12x4s12x", socket.inet_aton(theirs[0]), socket.inet_aton(ours[0]))
    request += struct.pack("=III", 0, _ANY_COOKIE, _ANY_COOKIE)
    head = struct.pack("=IHHII", 16 + len(request), _SOCK_DIAG_BY_FAMILY, _REQUEST, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as netlink:
        netlink.send(head + request)
        answer = netlink.recv(4096)
    (kind,) = struct.unpack_from("=H", answer, 4)
    if kind == _ERROR:
        (error,) = struct.unpack_from("=i", answer, 16)
        if -error == errno.ENOENT:
            return -1, ""
        raise OSError(-error, os.strerror(-error))
    user, inode = struct.unpack_from("=II", answer, 80)
    return user, str(inode)


def _owner_by_table(theirs: tuple[str, int], ours: tuple[str, int]) -> tuple[int, str]:
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
