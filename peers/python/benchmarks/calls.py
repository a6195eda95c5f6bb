"""Compares calls of a Python worker with a bare pyzmq echo and with a loop over JSON lines on stdin and stdout.

    python benchmarks/calls.py [--seconds 0.5] [--repetitions 7]

All contenders are measured in turn, so that other load on the machine affects all of them. The client is the same for
all: it writes prepared bytes and counts answers, so that the figures show the worker and not the client. Prints medians
with the smallest and the largest repetition: microseconds for one call after the other, thousands of calls per second
with 128 always in flight, and the delay of a heartbeat's answer while a method computes.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from multifrost._messages import Messages, new_id
from multifrost._zmtp.peer import Peer
from multifrost._zmtp.reader import Limits

IN_FLIGHT = 128

messages = Messages()

WORKER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from multifrost import ChildWorker
class Bench(ChildWorker):
    threads = int(sys.argv[2])
    def add(self, a, b): return a + b
    async def async_add(self, a, b): return a + b
    def compute(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end: pass
Bench().run()
"""

JSON_LINES = """
import json, sys
def add(a, b): return a + b
methods = {"add": add}
for line in sys.stdin:
    call = json.loads(line)
    print(json.dumps({"id": call["id"], "result": methods[call["function"]](*call["args"])}), flush=True)
"""

BARE_ECHO = """
import sys, zmq
router = zmq.Context().socket(zmq.ROUTER)
router.connect(sys.argv[1])
answer = None
while True:
    peer, _, payload = router.recv_multipart()
    answer = answer or payload
    router.send_multipart([peer, b"", answer])
"""


def start(script: str, *args: str, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", script, *args], env={**os.environ, **(env or {})}, **options)


class OverZmtp:
    """A worker of this package, over a plain socket."""

    def __init__(self, kind: str, transport: str = "zmtp", method: str = "add", threads: int = 1) -> None:
        self.name = f"worker, {transport} {kind}, {method}" + (f", threads = {threads}" if threads > 1 else "")
        env = {"MULTIFROST_TRANSPORT": transport}
        if kind == "unix":
            folder = tempfile.mkdtemp()
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(f"{folder}/s")
            env["MULTIFROST_ENDPOINT"] = f"ipc://{folder}/s"
        else:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            env["COMLINK_ZMQ_PORT"] = str(listener.getsockname()[1])
        listener.listen()
        package = str(Path(__file__).resolve().parents[1])
        self.process = start(WORKER, package, str(threads), env=env)
        sock, _ = listener.accept()
        self.peer = Peer(sock, b"DEALER", {}, Limits(), lambda _: None)
        while not self.peer.is_ready:
            self.receive()
        self.call = messages.call(new_id(), method, [1, 2], "default")

    def send(self, count: int) -> None:
        for _ in range(count):
            self.peer.push(self.call)
        self.peer.flush()

    def receive(self) -> int:
        self.peer.socket.setblocking(True)
        payloads = self.peer.receive()
        self.peer.socket.setblocking(False)
        return len(payloads)

    def heartbeats(self, seconds: float) -> list[float]:
        """Returns how long each heartbeat's answer takes while a method computes, in seconds."""
        self.peer.send(messages.call("compute", "compute", [seconds], "default"))
        delays = []
        while True:
            began = time.perf_counter()
            self.peer.send(messages.heartbeat(new_id()))
            self.peer.socket.setblocking(True)
            answers = [messages.read(one) for one in self.peer.receive() if one is not None]
            self.peer.socket.setblocking(False)
            if any(answer and answer["id"] == "compute" for answer in answers):
                return delays
            delays.append(time.perf_counter() - began)
            time.sleep(0.01)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class BareEcho:
    """A ROUTER of pyzmq that answers with the same bytes, and a DEALER of pyzmq as its client."""

    name = "bare pyzmq echo, tcp"

    def __init__(self) -> None:
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self.process = start(BARE_ECHO, f"tcp://127.0.0.1:{port}")
        self.payload = messages.call(new_id(), "add", [1, 2], "default")

    def send(self, count: int) -> None:
        for _ in range(count):
            self.socket.send_multipart([b"", self.payload])

    def receive(self) -> int:
        self.socket.recv_multipart()
        return 1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.socket.close()


class JsonLines:
    """A loop over lines of JSON, as programs write that pipe them through python-shell."""

    name = "JSON lines on stdin and stdout"

    def __init__(self) -> None:
        self.process = start(JSON_LINES, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin and self.process.stdout
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self.line = json.dumps({"id": new_id(), "function": "add", "args": [1, 2]}).encode() + b"\n"

    def send(self, count: int) -> None:
        os.write(self.stdin.fileno(), self.line * count)

    def receive(self) -> int:
        return os.read(self.stdout.fileno(), 65536).count(b"\n")

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def sequential(contender: Any, seconds: float) -> float:
    """Returns the median time of a call, in microseconds."""
    times = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        contender.send(1)
        while not contender.receive():
            pass
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def in_flight(contender: Any, seconds: float) -> float:
    """Returns the rate with 128 calls in flight, in thousands per second."""
    began = time.perf_counter()
    end, done, open_calls = began + seconds, 0, IN_FLIGHT
    contender.send(IN_FLIGHT)
    while time.perf_counter() < end:
        if answered := contender.receive():
            done += answered
            contender.send(answered)
    elapsed = time.perf_counter() - began
    while open_calls:
        open_calls -= contender.receive()
    return done / elapsed / 1000


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):8.1f} [{min(values):.1f}-{max(values):.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--repetitions", type=int, default=7)
    options = parser.parse_args()
    contenders: list[Any] = [
        OverZmtp("unix"),
        OverZmtp("tcp"),
        OverZmtp("tcp", transport="zeromq"),
        OverZmtp("unix", method="async_add"),
        OverZmtp("unix", threads=4),
        BareEcho(),
        JsonLines(),
    ]
    measures: list[tuple[str, Callable[[Any, float], float]]] = [
        ("sequential, us", sequential),
        ("128 in flight, k/s", in_flight),
    ]
    try:
        for contender in contenders:
            in_flight(contender, 0.5)
        for title, measure in measures:
            results: dict[str, list[float]] = {contender.name: [] for contender in contenders}
            for _ in range(options.repetitions):
                for contender in contenders:
                    results[contender.name].append(measure(contender, options.seconds))
            print(title)
            for name, values in results.items():
                print(f"  {name:40} {spread(values)}")
        print("delay of a heartbeat's answer while a method computes for 3 s, ms")
        for contender in contenders[:3]:
            delays = sorted(delay * 1000 for delay in contender.heartbeats(3))
            print(f"  {contender.name:40} median {statistics.median(delays):.1f}, largest {delays[-1]:.1f}")
    finally:
        for contender in contenders:
            contender.close()


if __name__ == "__main__":
    main()
