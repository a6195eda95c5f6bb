"""A worker's heartbeats, and how it stops: by a message, by a signal, or after its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import EDGE, EXAMPLE, Bench, RawParent, runs, until

from multifrost import ChildWorker
from multifrost._child.method_table import MethodTable
from multifrost._child.server import Server, ServerOptions


def test_a_heartbeat_is_answered_with_its_content(math: RawParent) -> None:
    metadata = {"hb_timestamp": 12.5, "other": [1]}
    answer = math.answer(math.send("heartbeat", args=[17], metadata=metadata))
    assert (answer["type"], answer["args"]) == ("heartbeat", [17])
    assert answer["metadata"] == {**metadata, "hb_response": True, "features": ["undefined"]}
    bare = math.answer(math.send("heartbeat"))
    assert bare["metadata"] == {"hb_response": True, "features": ["undefined"]} and "args" not in bare


def test_the_answer_to_a_heartbeat_is_not_answered(math: RawParent) -> None:
    math.send("heartbeat", metadata={"hb_response": True})
    assert math.call("add", 1, 1) == 2
    assert len(math.messages) == 1


def test_heartbeats_and_async_calls_are_answered_while_a_method_runs(edge: RawParent, tmp_path: Path) -> None:
    running = edge.send("call", function="sleep_until", args=[str(tmp_path / "go")])
    queued = edge.send("call", function="inherited")
    for _ in range(20):
        edge.answer(edge.send("heartbeat"))
        assert edge.call("meet", 1) == 1
    assert {running, queued}.isdisjoint(message["id"] for message in edge.messages)
    (tmp_path / "go").touch()
    assert edge.answer(running)["result"] == "woken"
    assert edge.answer(queued)["result"] == "inherited"


def test_heartbeats_are_answered_while_a_method_computes(edge: RawParent) -> None:
    """The environment variable BUSY_SECONDS sets for how many seconds. Default: 2."""
    seconds = float(os.environ.get("BUSY_SECONDS", "2"))
    for _ in range(100):
        edge.call("compute", 0)  # so that it counts as quick
    running = edge.send("call", function="compute", args=[seconds])
    round_trips = []
    while running not in {message["id"] for message in edge.messages}:
        began = time.monotonic()
        edge.answer(edge.send("heartbeat"))
        round_trips.append(time.monotonic() - began)
    assert len(round_trips) > 5 * seconds
    assert max(round_trips) < 1


@pytest.mark.parametrize("how", ["shutdown", signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_calls_in_flight_finish(bench: Bench, how: str | signal.Signals, tmp_path: Path) -> None:
    parent, process = bench.spawn()
    assert parent.call("add", 1, 1) == 2
    running = parent.send("call", function="slow", args=[0.3])
    queued = parent.send("call", function="add", args=[1, 2])
    parent.answer(parent.send("heartbeat"))  # so that both calls have been accepted
    if how == "shutdown":
        parent.send("shutdown")
        late = parent.ask("add", 1, 1)
        assert late["metadata"]["error"]["code"] == "STOPPING"
    else:
        assert isinstance(how, signal.Signals)
        process.send_signal(how)
    assert parent.answer(running)["result"] == 0.3
    assert parent.answer(queued)["result"] == 3
    assert process.wait(10) == 0


def test_a_stop_ends_the_worker_after_stop_timeout(bench: Bench, tmp_path: Path) -> None:
    parent, process = bench.spawn(EDGE)
    parent.send("call", function="sleep_until", args=[str(tmp_path / "never")])
    parent.answer(parent.send("heartbeat"))
    parent.send("shutdown")
    began = time.monotonic()
    assert process.wait(10) == 0
    assert 0.5 < time.monotonic() - began < 4  # its stop_timeout is 1 s


@pytest.mark.parametrize("env", [{}, {"TEST_THREADS": "2"}, {"TEST_MAX_CONCURRENCY": "1"}])
@pytest.mark.parametrize("how", ["shutdown", signal.SIGTERM])
def test_after_stop_timeout_calls_that_have_not_begun_are_refused(
    bench: Bench, env: dict[str, str], how: str | signal.Signals, tmp_path: Path
) -> None:
    parent, process = bench.spawn(EDGE, **env)
    for _ in range(2):
        parent.send("call", function="sleep_until", args=[str(tmp_path / "never")])
    waiting = [parent.send("call", function="sleep_until", args=[str(tmp_path / "never")]) for _ in range(3)]
    parent.answer(parent.send("heartbeat"))  # so that they have been accepted
    if isinstance(how, signal.Signals):
        process.send_signal(how)
    else:
        parent.send(how)
    for message_id in waiting:
        assert parent.answer(message_id)["metadata"]["error"]["code"] == "STOPPING"
    assert process.wait(10) == 0


def test_a_second_signal_ends_the_worker_at_once(bench: Bench) -> None:
    parent, process = bench.spawn()
    parent.send("call", function="slow", args=[60])
    parent.answer(parent.send("heartbeat"))
    process.terminate()
    until(lambda: parent.ask("add", 1, 1)["type"] == "error")  # the first signal was handled
    process.terminate()
    assert process.wait(3) == 128 + signal.SIGTERM


LAUNCHER = """
import os, subprocess, sys
import zmq
socket = zmq.Context().socket(zmq.DEALER)
port = socket.bind_to_random_port("tcp://127.0.0.1")
command = [sys.executable, sys.argv[1]]
if sys.argv[2] == "behind a launcher":
    command = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])", *command]
subprocess.Popen(command, env={**os.environ, "COMLINK_ZMQ_PORT": str(port)})
import msgpack
call = {"app": "comlink_ipc_v3", "id": "1", "type": "call", "function": "pid"}
socket.send_multipart([b"", msgpack.packb(call)])
print(msgpack.unpackb(socket.recv_multipart()[1])["result"], flush=True)
call = {"app": "comlink_ipc_v3", "id": "2", "type": "call", "function": "sleep_until", "args": ["/nowhere"]}
socket.send_multipart([b"", msgpack.packb(call)])
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["direct", "behind a launcher"])
def test_a_worker_ends_within_two_seconds_of_its_parent(bench: Bench, how: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(EDGE), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(bench.home)},
    )
    bench.processes.append(process)
    assert process.stdout
    worker = int(process.stdout.readline())
    process.kill()
    began = time.monotonic()
    until(lambda: not runs(worker), 5)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("port", ["", "abc", "80", "65536", "-5000", "5000.5", "\u0665000", None])
def test_a_wrong_port_is_reported_in_one_line_with_exit_code_1(bench: Bench, port: str | None) -> None:
    process = bench.start(EXAMPLE, "--worker", **({} if port is None else {"COMLINK_ZMQ_PORT": port}))
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (1, "")
    if port:
        assert err == (
            f"multifrost: COMLINK_ZMQ_PORT is {port!r}, not a port number from 1024 to 65535. "
            "A ParentWorker sets it; do not set it by hand.\n"
        )
    else:
        assert err == (
            "multifrost: COMLINK_ZMQ_PORT is not set and no service id was given. "
            "Start this worker from a ParentWorker, or give it a service id to run as a service.\n"
        )


def test_a_signal_just_before_the_loop_sleeps_wakes_it(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The C handler of the signal writes to the loop's wake-up socket, without waiting for the interpreter."""
    options = ServerOptions("default", "answer", 1.0, 1, None, 10, False, transport, "comlink_ipc_v3")
    server = Server(MethodTable(ChildWorker(), ChildWorker), options)
    server.bind()
    wake_up = server._link.wake_fd
    installed: list[int] = []

    serve = server._serve

    def look_and_serve() -> None:  # in the main thread, where alone the descriptor can be read
        installed.append(signal.set_wakeup_fd(-1))
        signal.set_wakeup_fd(wake_up, warn_on_full_buffer=False)
        serve()

    monkeypatch.setattr(server, "_serve", look_and_serve)
    server.stop()
    server.run(lambda: None)
    server.close()
    assert installed == [wake_up]
    assert signal.set_wakeup_fd(-1) == -1, "the descriptor set before must be restored"


def test_a_worker_stopped_before_it_serves_ends_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(bench.home))
    worker = ChildWorker("stopped-early")
    worker.stop()
    worker.start()
    assert "stopped-early" not in bench.services()
