"""The parent for programs without asyncio, `multifrost.sync`."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest
from conftest import EDGE, EXAMPLE, Bench, runs, until

from multifrost import NotRunningError, Registry, RemoteCallError, SpawnError
from multifrost.sync import ParentWorker


def test_a_blocking_parent_calls_raises_and_stops() -> None:
    with ParentWorker.spawn(EXAMPLE) as worker:
        assert worker.call.add(1, 2) == 3
        assert worker.call_function("add", [1, 2]) == 3
        assert "add" in worker.list_functions()
        with pytest.raises(RemoteCallError, match="division by zero"):
            worker.call.divide(1, 0)
        with pytest.raises(TimeoutError):
            worker.with_options(timeout=0.05).slow(0.3)
        pid = worker.pid
        assert pid and worker.is_healthy and worker.metrics.requests_total == 5
    assert not runs(pid) and worker.state == "stopped"
    with pytest.raises(NotRunningError):
        worker.call.add(1, 2)
    with pytest.raises(SpawnError, match="no worker script"):
        ParentWorker.spawn("/nowhere.py").start()


def test_several_threads_can_use_one_worker() -> None:
    results: list[float] = []
    with ParentWorker.spawn(EXAMPLE) as worker:
        threads = [threading.Thread(target=lambda: results.append(worker.call.slow(0.1))) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [0.1] * 5


def test_a_service_is_found_and_called(bench: Bench) -> None:
    bench.serve("sync")
    with ParentWorker.connect("sync", registry=Registry(str(bench.home))) as worker:
        assert worker.call.add(1, 2) == 3


PROGRAM = """
import sys
from multifrost.sync import ParentWorker
with ParentWorker.spawn(sys.argv[1], on_stdout=lambda line: print(line, flush=True)) as worker:
    try:
        worker.call.tell_pid_and_sleep()
    except KeyboardInterrupt:
        print("interrupted", worker.metrics.queue_depth, flush=True)
        raise
"""


def test_ctrl_c_ends_the_call_and_the_worker() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, EDGE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    worker = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert out == "interrupted 0\n" and err.rstrip().endswith("KeyboardInterrupt")
    until(lambda: not runs(worker), 5)
