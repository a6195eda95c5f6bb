"""What one parent of a service does costs the others little: hostile clients, slow readers, heartbeats of libzmq."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

import msgpack
import pytest
import zmq
from conftest import EDGE, Bench, RawParent, until

from multifrost._child.zmtp_link import ZmtpLink
from multifrost._zmtp.wire import GREETING, message_head, ready

MIB = 1024 * 1024
GREETED = GREETING + ready(b"DEALER", {})


def resident(pid: int) -> int:
    """Returns the memory of a process, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def answers_quickly(parent: RawParent) -> None:
    for _ in range(20):
        began = time.monotonic()
        assert parent.call("echo", "x") == "x"
        assert time.monotonic() - began < 2


def connected(port: int, *words: bytes) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port))
    for word in words:
        made.sendall(word)
    return made


def ends(sock: socket.socket) -> bool:
    """Whether the other side closes the connection."""
    sock.settimeout(5)
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "words",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"\xff\0\0\0\0\0\0\0\1\0", GREETED + b"\1\0\2\0\0\0\1\0\0\0\0"],
    ids=["HTTP", "TLS", "ZMTP 1.0", "a message of 4 GiB"],
)
def test_a_client_that_breaks_the_protocol_is_closed(bench: Bench, words: bytes) -> None:
    parent, _ = bench.serve("hostile")
    answers_quickly(parent)
    assert ends(connected(parent.port, words))
    answers_quickly(parent)


def test_silent_clients_and_announced_sizes_take_no_memory(bench: Bench) -> None:
    parent, process = bench.serve("hostile")
    answers_quickly(parent)
    before = resident(process.pid)
    idle = [connected(parent.port) for _ in range(200)]
    begun = [connected(parent.port, GREETED, b"\1\0\2" + (60 * MIB).to_bytes(8, "big"), b"begun") for _ in range(30)]
    answers_quickly(parent)
    assert resident(process.pid) - before < 50 * MIB
    for one in idle + begun:
        one.close()
    answers_quickly(parent)


def test_unfinished_messages_of_all_parents_together_are_bounded(bench: Bench) -> None:
    parent, process = bench.serve("hostile")
    answers_quickly(parent)
    before = resident(process.pid)
    begun = [connected(parent.port, GREETED, b"\1\0\2" + (60 * MIB).to_bytes(8, "big")) for _ in range(10)]
    part = bytes(MIB)
    for _ in range(50):
        for one in begun:
            with contextlib.suppress(OSError):  # it was closed
                one.sendall(part)
    assert resident(process.pid) - before < 350 * MIB
    answers_quickly(parent)
    for one in begun:
        one.close()


def test_a_million_tiny_frames_delay_others_only_shortly(bench: Bench) -> None:
    parent, _ = bench.serve("hostile")
    answers_quickly(parent)
    flood = connected(parent.port, GREETED)
    sender = threading.Thread(target=flood.sendall, args=(b"\0\0" * 1_000_000,))
    sender.start()
    answers_quickly(parent)
    sender.join()
    answers_quickly(parent)
    flood.close()


def test_a_parent_that_reads_nothing_does_not_delay_others(bench: Bench) -> None:
    parent, process = bench.serve("hostile")
    answers_quickly(parent)
    before = resident(process.pid)
    call = {"app": "comlink_ipc_v3", "id": "1", "type": "call", "function": "echo", "args": [bytes(MIB)]}
    payload = msgpack.packb(call)
    slow = connected(parent.port, GREETED)
    slow.settimeout(0.5)
    sent = 0
    try:
        for _ in range(500):
            slow.sendall(message_head(len(payload)) + payload)
            sent += 1
    except TimeoutError:
        pass  # the service reads no more of it
    assert sent < 500
    answers_quickly(parent)
    assert resident(process.pid) - before < 250 * MIB
    slow.close()


def test_the_heartbeats_of_libzmq_are_answered(bench: Bench) -> None:
    parent, _ = bench.serve("beating")
    beating = bench.context.socket(zmq.DEALER)
    beating.linger = 0
    beating.set(zmq.HEARTBEAT_IVL, 50)
    beating.set(zmq.HEARTBEAT_TIMEOUT, 200)
    monitor = beating.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    beating.connect(f"tcp://127.0.0.1:{parent.port}")
    call = {"app": "comlink_ipc_v3", "id": "1", "type": "call", "function": "slow", "args": [0.6]}
    beating.send_multipart([b"", msgpack.packb(call)])
    assert beating.poll(5000)
    assert not monitor.poll(0), "libzmq lost the connection"
    beating.disable_monitor()
    beating.close()


@pytest.mark.parametrize("mode", ["spawn", "connect"])
def test_a_large_answer_arrives_although_the_worker_ends(bench: Bench, mode: str) -> None:
    parent, process = bench.spawn(EDGE) if mode == "spawn" else bench.serve("large", EDGE)
    assert parent.call("pid") == process.pid
    asked = parent.send("call", function="large", args=[48 * MIB])
    parent.answer(parent.send("heartbeat"))  # so that the call has been accepted
    process.terminate()
    assert len(parent.answer(asked, 30)["result"]) == 48 * MIB
    until(lambda: process.poll() is not None)
    assert process.returncode == 0


def test_the_bytes_of_waiting_calls_are_bounded(bench: Bench, tmp_path: Path) -> None:
    parent, process = bench.serve("full", EDGE)
    running = parent.send("call", function="sleep_until", args=[str(tmp_path / "go")])
    parent.answer(parent.send("heartbeat"))
    ids = [parent.send("call", function="static", args=[bytes(8 * MIB)]) for _ in range(40)]
    refused = parent.answer(ids[-1])
    assert refused["metadata"]["error"]["code"] == "OVERLOADED"
    assert resident(process.pid) < 450 * MIB
    (tmp_path / "go").touch()
    assert parent.answer(running)["result"] == "woken"
    kinds = [parent.answer(message_id)["type"] for message_id in ids]
    assert kinds == ["response"] * 31 + ["error"] * 9


def many(count: int, item: bytes) -> bytes:
    return bytes(b"\xdd" + count.to_bytes(4, "big") + item * count)


BOMBS = {
    "empty maps": many(3, many(1_000_000, b"\x80")),
    "arrays of one": many(2, many(750_000, b"\x91\xc0")),
    "maps of one": many(750_000, b"\x81\xa1a\xc0"),
    "extensions": many(1_000_000, b"\xd4\x05\0"),
}
"""Values of about 3 MB on the wire that take much more memory."""


def call_with(function: str, args: bytes, message_id: str = "1") -> bytes:
    call = {"app": "comlink_ipc_v3", "id": message_id, "type": "call", "function": function}
    payload: bytes = b"\x85" + msgpack.packb(call)[1:] + b"\xa4args" + args
    return message_head(len(payload)) + payload


@pytest.mark.parametrize("bomb", BOMBS)
def test_values_that_take_much_memory_are_bounded_while_calls_wait(bench: Bench, tmp_path: Path, bomb: str) -> None:
    parent, process = bench.serve("bombed", EDGE)
    running = parent.send("call", function="sleep_until", args=[str(tmp_path / "go")])
    parent.answer(parent.send("heartbeat"))
    before = resident(process.pid)
    hostile = [connected(parent.port, GREETED) for _ in range(2)]
    senders = [
        threading.Thread(target=one.sendall, args=(call_with("static", b"\x91" + BOMBS[bomb]),)) for one in hostile
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert parent.answer(parent.send("heartbeat"), 60)
    assert resident(process.pid) - before < 700 * MIB
    (tmp_path / "go").touch()
    assert parent.answer(running)["result"] == "woken"
    for one in hostile:
        one.close()
    assert parent.call("static", 1) == 1


def test_a_parent_with_too_many_calls_leaves_others_their_share(bench: Bench, tmp_path: Path) -> None:
    parent, _ = bench.serve("shared", EDGE, TEST_MAX_PENDING="10")
    flood = connected(parent.port, GREETED)
    flood.sendall(call_with("rest", msgpack.packb([60])) * 20)
    flood.settimeout(15)
    received = b""
    while b"OVERLOADED" not in received:
        received += flood.recv(65536)
    running = parent.send("call", function="sleep_until", args=[str(tmp_path / "go")])
    waiting = [parent.send("call", function="static", args=[n]) for n in range(4)]
    refused = parent.ask("static", 5)
    assert refused["metadata"]["error"]["code"] == "OVERLOADED"
    (tmp_path / "go").touch()
    assert parent.answer(running)["result"] == "woken"
    assert [parent.answer(one)["result"] for one in waiting] == [0, 1, 2, 3]
    flood.close()


def test_parents_that_read_nothing_are_bounded_together(bench: Bench) -> None:
    parent, process = bench.serve("unread")
    parent.call("echo", "x")
    before = resident(process.pid)
    call = call_with("echo", b"\x91\xc6" + MIB.to_bytes(4, "big") + bytes(MIB))
    slow = [connected(parent.port, GREETED) for _ in range(8)]
    for one in slow:
        one.settimeout(0.5)
        with contextlib.suppress(TimeoutError):  # the service reads no more of it
            for _ in range(70):
                one.sendall(call)
    assert parent.call("echo", "x") == "x"
    assert resident(process.pid) - before < 450 * MIB
    for one in slow:
        one.close()
    assert parent.call("echo", "x") == "x"


def test_a_parent_that_has_sent_nothing_makes_room_for_another(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    link = ZmtpLink(lambda *_: 0, lambda *_: None, lambda _: None, lambda _: None)
    monkeypatch.setattr("multifrost._child.zmtp_link.MAX_PARENTS", 2)
    port = link.bind()
    first, second = connected(port, GREETED), connected(port, GREETED)
    while link.count() < 2:
        link.step(1)
    third = connected(port, GREETED)
    while link.refused < 1:
        link.step(1)
    assert link.count() == 2
    assert ends(first)
    link.close(0)
    for one in (first, second, third):
        one.close()
