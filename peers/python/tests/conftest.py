"""Test bench: raw pyzmq DEALER sockets as parents, and real worker processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

TESTS = Path(__file__).resolve().parent
EXAMPLE = TESTS.parent / "examples" / "math_worker.py"
EDGE = TESTS / "edge_worker.py"
TIME_LIMIT = 15.0


ON_BOTH_TRANSPORTS = {"test_worker_calls", "test_worker_lifecycle", "test_worker_output", "test_parent_recovery"}
"""Modules whose tests run with libzmq, too."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__ in ON_BOTH_TRANSPORTS:
        metafunc.parametrize("transport", ["zmtp", "zeromq"], indirect=True)


@pytest.fixture(autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The transport of all parents and workers of a test."""
    name = str(getattr(request, "param", "zmtp"))
    monkeypatch.setenv("MULTIFROST_TRANSPORT", name)
    return name


def until(condition: Callable[[], Any], limit: float = TIME_LIMIT) -> Any:
    """Waits until a condition is true and returns its value."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.01)
    return value


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended; it is only not reaped yet.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


class RawParent:
    """A parent made of one DEALER socket. `messages` has everything that it received, in order."""

    def __init__(self, context: zmq.Context[Any], port: int | None = None) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1") if port is None else port
        if port is not None:
            self.socket.connect(f"tcp://127.0.0.1:{port}")
        self.messages: list[dict[str, Any]] = []

    def send(self, kind: str, **fields: Any) -> str:
        message = {"app": "comlink_ipc_v3", "id": str(uuid.uuid4()), "type": kind, "timestamp": time.time(), **fields}
        self.send_raw(b"", msgpack.packb(message, datetime=True))
        return str(message["id"])

    def send_raw(self, *frames: bytes) -> None:
        self.socket.send_multipart(list(frames))

    def receive(self, limit: float = TIME_LIMIT) -> dict[str, Any]:
        assert self.socket.poll(int(limit * 1000)), f"no message arrived within {limit} s"
        empty, payload = self.socket.recv_multipart()
        assert empty == b""
        message: dict[str, Any] = msgpack.unpackb(payload, timestamp=3, strict_map_key=False)
        self.messages.append(message)
        return message

    def answer(self, message_id: str, limit: float = TIME_LIMIT) -> dict[str, Any]:
        deadline = time.monotonic() + limit
        for message in self.messages:
            if message["id"] == message_id:
                return message
        while (message := self.receive(deadline - time.monotonic()))["id"] != message_id:
            pass
        return message

    def ask(self, function: str, *args: Any, **fields: Any) -> dict[str, Any]:
        return self.answer(self.send("call", function=function, args=list(args), **fields))

    def call(self, function: str, *args: Any) -> Any:
        answer = self.ask(function, *args)
        assert answer["type"] == "response", answer
        return answer["result"]

    def output(self, kind: str) -> list[str]:
        return [message["output"] for message in self.messages if message["type"] == kind]


class Bench:
    """Starts workers and parents, and ends all of them after the test."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.context: zmq.Context[Any] = zmq.Context()
        self.processes: list[subprocess.Popen[str]] = []
        self.parents: list[RawParent] = []

    def parent(self, port: int | None = None) -> RawParent:
        self.parents.append(RawParent(self.context, port))
        return self.parents[-1]

    def start(self, *command: Any, **env: str) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COMLINK_")}
        process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            env={**inherited, "HOME": str(self.home), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def spawn(self, script: Path = EXAMPLE, **env: str) -> tuple[RawParent, subprocess.Popen[str]]:
        parent = self.parent()
        return parent, self.start(script, COMLINK_ZMQ_PORT=str(parent.port), COMLINK_WORKER_MODE="1", **env)

    def services(self) -> dict[str, Any]:
        file = self.home / ".multifrost" / "services.json"
        services: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return services

    def serve(self, service_id: str, script: Path = EXAMPLE, **env: str) -> tuple[RawParent, subprocess.Popen[str]]:
        process = self.start(script, service_id, **env)
        entry = until(lambda: (entry := self.services().get(service_id)) and entry["pid"] == process.pid and entry)
        return self.parent(entry["port"]), process

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()
        for parent in self.parents:
            parent.socket.close()
        self.context.term()


@pytest.fixture
def bench(tmp_path: Path, transport: str) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


@pytest.fixture
def math(bench: Bench) -> RawParent:
    return bench.spawn()[0]


@pytest.fixture
def edge(bench: Bench) -> RawParent:
    return bench.spawn(EDGE)[0]
