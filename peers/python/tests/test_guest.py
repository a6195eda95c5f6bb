"""A parent lets only its worker in: what others do on the port of a spawned worker changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgpack
import pytest
import zmq
from conftest import EXAMPLE
from parent_bench import TIME_LIMIT, eventually, run

from multifrost import ParentWorker
from multifrost._parent import socket_owner
from multifrost._zmtp.wire import GREETING, message_head, ready

LATE = Path(__file__).resolve().parent / "late_worker.py"
STRANGERS = Path(__file__).resolve().parents[3] / "interop" / "strangers.mjs"

Stranger = Callable[[int], None]


class Strangers:
    """Connections of this process, which did not come from the worker."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.context = zmq.Context()
        self.calls_seen = 0
        """Calls that a stranger received."""
        self.heartbeats_answered = 0
        self.ending = False
        self.threads: list[threading.Thread] = []

    def say(self, *words: bytes, count: int = 1) -> Stranger:
        def connect(port: int) -> None:
            for _ in range(count):
                made = socket.create_connection(("127.0.0.1", port))
                self.sockets.append(made)
                for word in words:
                    made.sendall(word)

        return connect

    def forger(self, port: int) -> None:
        """A ROUTER that answers heartbeats as a worker does, and every call with a forged result."""
        router = self.context.socket(zmq.ROUTER)
        router.linger = 0
        router.connect(f"tcp://127.0.0.1:{port}")
        self.threads.append(threading.Thread(target=self._forge, args=(router,)))
        self.threads[-1].start()

    def _forge(self, router: zmq.Socket[bytes]) -> None:
        while not self.ending:
            if not router.poll(20):
                continue
            peer, _, payload = router.recv_multipart()
            message = msgpack.unpackb(payload)
            if message["type"] == "heartbeat":
                self.heartbeats_answered += 1
                message["metadata"]["hb_response"] = True
            else:
                self.calls_seen += 1
                message = {**message, "type": "response", "result": "forged"}
            router.send_multipart([peer, b"", msgpack.packb(message)])
        router.close()

    def close(self) -> None:
        self.ending = True
        for thread in self.threads:
            thread.join()
        for one in self.sockets:
            one.close()
        self.context.term()


@contextmanager
def strangers() -> Iterator[Strangers]:
    made = Strangers()
    yield made
    made.close()


KINDS: dict[str, Callable[[Strangers], Stranger]] = {
    "text": lambda made: made.say(b"hello\n"),
    "HTTP": lambda made: made.say(b"GET / HTTP/1.1\r\n\r\n"),
    "TLS": lambda made: made.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "ZMTP 1.0": lambda made: made.say(b"\xff\0\0\0\0\0\0\0\1\0"),
    "half a greeting": lambda made: made.say(GREETING[:30]),
    "a DEALER": lambda made: made.say(GREETING + ready(b"DEALER", {})),
    "a silent ROUTER": lambda made: made.say(GREETING + ready(b"ROUTER", {})),
    "a wrong token": lambda made: made.say(GREETING + ready(b"ROUTER", {"X-Token": b"0" * 32})),
    "200 idle connections": lambda made: made.say(count=200),
    "a large message": lambda made: made.say(GREETING + ready(b"ROUTER", {}) + b"\1\0\2\0\0\0\0\3\0\0\0"),
    "a ROUTER that forges answers": lambda made: made.forger,
}


def environment_of(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "environment").read_text())
    return found


@pytest.mark.parametrize("worker_kind", ["current", "older"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_on_the_port_changes_nothing(kind: str, worker_kind: str, tmp_path: Path) -> None:
    async def test() -> None:
        env = {"TEST_FOLDER": str(tmp_path), "TEST_OLDER": "1" if worker_kind == "older" else ""}
        with strangers() as others:
            worker = ParentWorker.spawn(LATE, env=env)
            start = asyncio.ensure_future(worker.start())
            await eventually((tmp_path / "environment").exists)
            port = int(environment_of(tmp_path)["COMLINK_ZMQ_PORT"])
            await asyncio.to_thread(KINDS[kind](others), port)
            if kind == "a ROUTER that forges answers":
                await eventually(lambda: others.heartbeats_answered and worker.metrics.refused_connections)
            assert worker.state == "starting" and not start.done()
            (tmp_path / "go").touch()
            await asyncio.wait_for(start, TIME_LIMIT)
            assert await asyncio.gather(*[worker.call.pid() for _ in range(50)]) == [worker.pid] * 50
            assert others.calls_seen == 0
            assert worker.is_healthy
            assert worker.metrics.refused_connections > 0
            with pytest.raises(OSError):  # nothing listens any more
                socket.create_connection(("127.0.0.1", port)).close()
            await worker.stop()

    run(test)


def test_a_stranger_that_leaves_changes_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        worker = ParentWorker.spawn(LATE, env={"TEST_FOLDER": str(tmp_path)})
        start = asyncio.ensure_future(worker.start())
        await eventually((tmp_path / "environment").exists)
        for kind in KINDS:
            with strangers() as others:
                await asyncio.to_thread(KINDS[kind](others), int(environment_of(tmp_path)["COMLINK_ZMQ_PORT"]))
                await asyncio.sleep(0)
        assert worker.state == "starting"
        (tmp_path / "go").touch()
        await asyncio.wait_for(start, TIME_LIMIT)
        assert await worker.call.pid() == worker.pid
        await worker.stop()

    run(test)


def test_the_private_socket_is_for_this_user_and_is_gone_once_the_worker_is_connected(tmp_path: Path) -> None:
    async def test() -> None:
        worker = ParentWorker.spawn(LATE, env={"TEST_FOLDER": str(tmp_path)})
        start = asyncio.ensure_future(worker.start())
        await eventually((tmp_path / "environment").exists)
        environment = environment_of(tmp_path)
        path = Path(environment["MULTIFROST_ENDPOINT"].removeprefix("ipc://"))
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert len(bytes.fromhex(environment["MULTIFROST_TOKEN"])) == 16
        (tmp_path / "go").touch()
        await asyncio.wait_for(start, TIME_LIMIT)
        assert not path.parent.exists()
        await worker.stop()

    run(test)


def test_the_worker_takes_its_variables_out_of_the_environment(tmp_path: Path) -> None:
    async def test() -> None:
        (tmp_path / "go").touch()
        async with ParentWorker.spawn(LATE, env={"TEST_FOLDER": str(tmp_path)}) as worker:
            names = await worker.call.environment_names()
            assert not [name for name in names if name.startswith("COMLINK_") or name.endswith(("_ENDPOINT", "_TOKEN"))]

    run(test)


def test_the_death_of_the_worker_is_noticed_at_once_beside_strangers(tmp_path: Path) -> None:
    async def test() -> None:
        with strangers() as others:
            worker = ParentWorker.spawn(LATE, env={"TEST_FOLDER": str(tmp_path)})
            start = asyncio.ensure_future(worker.start())
            await eventually((tmp_path / "environment").exists)
            others.say(count=50)(int(environment_of(tmp_path)["COMLINK_ZMQ_PORT"]))
            (tmp_path / "go").touch()
            await asyncio.wait_for(start, TIME_LIMIT)
            assert worker.pid
            os.kill(worker.pid, 9)
            began = time.monotonic()
            await eventually(lambda: worker.state == "exited")
            assert time.monotonic() - began < 1
            await worker.stop()

    run(test)


@contextmanager
def flood(environment: dict[str, str]) -> Iterator[None]:
    """Strangers of every kind at the port and the socket, which come again as soon as they are closed."""
    endpoints = f"tcp://127.0.0.1:{environment['COMLINK_ZMQ_PORT']},{environment['MULTIFROST_ENDPOINT']}"
    command = ["node", str(STRANGERS), endpoints, "all", "--both", "--again"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if line == "ready\n":
                break
        yield
        seen = json.loads(process.communicate()[0].splitlines()[-1])
        assert seen["connections"] > 0 and seen["calls"] == 0, seen


@pytest.mark.parametrize("worker_kind", ["current", "older"])
def test_a_worker_gets_through_strangers_that_come_again_and_again(worker_kind: str, tmp_path: Path) -> None:
    async def test() -> None:
        env = {"TEST_FOLDER": str(tmp_path), "TEST_OLDER": "1" if worker_kind == "older" else ""}
        worker = ParentWorker.spawn(LATE, env=env)
        start = asyncio.ensure_future(worker.start())
        await eventually((tmp_path / "environment").exists)
        others = flood(environment_of(tmp_path))
        await asyncio.to_thread(others.__enter__)
        (tmp_path / "go").touch()
        await asyncio.wait_for(start, TIME_LIMIT)
        assert await asyncio.gather(*[worker.call.pid() for _ in range(50)]) == [worker.pid] * 50
        assert worker.pid
        os.kill(worker.pid, 9)
        await eventually(lambda: worker.state == "exited")
        await asyncio.to_thread(others.__exit__, None, None, None)
        await worker.stop()

    run(test)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_connection_that_is_asked_for_a_proof_stays_while_others_say_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        worker = ParentWorker.spawn(LATE, env={"TEST_FOLDER": str(tmp_path)})
        start = asyncio.ensure_future(worker.start())
        await eventually((tmp_path / "environment").exists)
        environment = environment_of(tmp_path)
        port = int(environment["COMLINK_ZMQ_PORT"])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GREETING + ready(b"ROUTER", {}))
        await reader.readexactly(len(GREETING) + len(ready(b"DEALER", {})))
        head = await reader.readexactly(4)  # the empty frame, and the head of the question
        question = msgpack.unpackb(await reader.readexactly(head[3]))
        with strangers() as others:
            await asyncio.to_thread(others.say(count=200), port)
            await eventually(lambda: worker.metrics.refused_connections >= 50)
            metadata = {**question["metadata"], "hb_response": True, "token": environment["MULTIFROST_TOKEN"]}
            payload = msgpack.packb({**question, "metadata": metadata})
            writer.write(message_head(len(payload)) + payload)
            await eventually(lambda: not listens(port))  # it is let in
            assert not reader.at_eof()
        start.cancel()
        writer.close()
        await worker.stop()

    run(test)


def test_a_worker_without_a_token_connects_again_until_its_first_call(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        env = {**os.environ, "COMLINK_ZMQ_PORT": str(listener.getsockname()[1])}
        with subprocess.Popen([sys.executable, str(EXAMPLE)], env=env) as process:
            for _ in range(3):
                listener.accept()[0].close()
            parent = listener.accept()[0]
            call = {"app": "comlink_ipc_v3", "id": "1", "type": "call", "function": "add", "args": [1, 2]}
            payload = msgpack.packb(call)
            parent.sendall(GREETING + ready(b"DEALER", {}) + message_head(len(payload)) + payload)
            answer = b""
            while b"result\x03" not in answer:
                answer += parent.recv(4096)
            parent.close()
            assert process.wait(10) == 1


def test_a_worker_that_knows_only_the_port_may_be_started_by_a_script(tmp_path: Path) -> None:
    script = tmp_path / "worker.sh"
    script.write_text(f"unset MULTIFROST_ENDPOINT MULTIFROST_TOKEN\n'{sys.executable}' '{EXAMPLE}' & wait\n")

    async def test() -> None:
        async with ParentWorker.spawn(script, ["sh"]) as worker:
            assert await worker.call.add(1, 2) == 3

    run(test)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells whose a socket is")
def test_the_owner_of_a_connection_is_found_with_and_without_netlink() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as one,
        listener.accept()[0] as other,
    ):
        ends = (other.getpeername(), other.getsockname())
        inode = str(os.fstat(one.fileno()).st_ino)
        for find in (socket_owner._owner_by_netlink, socket_owner._owner_by_table):
            assert find(*ends) == (os.getuid(), inode)
            assert find(("127.0.0.1", 1), ends[1]) == (-1, "")
        assert socket_owner.socket_of_peer(other) == inode
        assert inode in socket_owner.sockets_of(os.getpid())
        assert inode in socket_owner.sockets_of_descendants(os.getppid())
        with subprocess.Popen(["sleep", "60"]) as process:
            assert inode not in socket_owner.sockets_of_descendants(process.pid)
            process.kill()
