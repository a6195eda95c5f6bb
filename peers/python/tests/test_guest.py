"""A parent lets only its worker in: what others do on the port of a spawned worker changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgpack
import pytest
import zmq
from parent_bench import TIME_LIMIT, eventually, run

from multifrost import ParentWorker
from multifrost._zmtp.wire import GREETING, ready

LATE = Path(__file__).resolve().parent / "late_worker.py"

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
