"""How `ParentWorker` starts and stops a worker."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from conftest import EXAMPLE, runs
from parent_bench import error_of, run, started

from multifrost import NotRunningError, ParentWorker, SpawnError


def test_a_stop_lets_calls_finish_and_leaves_no_process() -> None:
    async def test() -> None:
        worker = ParentWorker.spawn(EXAMPLE)
        await worker.start()
        pid, slow = worker.pid, await started(worker.call.slow(0.3))
        await worker.stop()
        assert await slow == 0.3
        assert pid and not runs(pid)

    run(test)


def test_a_stop_during_the_start_ends_the_start() -> None:
    async def test() -> None:
        worker = ParentWorker.spawn("-c", [sys.executable, "-u"], args=["import time; time.sleep(60)"])
        start = await started(worker.start())
        await worker.stop()
        assert (await error_of(start, NotRunningError)).state == "stopping"

    run(test)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("/nowhere/worker.py",), "SCRIPT_NOT_FOUND", "There is no worker script at /nowhere/worker.py"),
        ((EXAMPLE, "no-such-program"), "PROGRAM_NOT_FOUND", "'no-such-program' was not found"),
        (("-c", [sys.executable, "-u"], "raise SystemExit('broken')"), "EXITED_EARLY", "exit code 1"),
        (("-c", [sys.executable, "-u"], "import time; time.sleep(60)"), "START_TIMEOUT", "within 1 s"),
    ],
)
def test_a_worker_that_cannot_start_reports_why(arguments: Any, code: str, text: str) -> None:
    async def test() -> None:
        script, *rest = arguments
        words = [rest.pop()] if len(rest) == 2 else []
        worker = ParentWorker.spawn(script, *rest, args=words, start_timeout=1 if code == "START_TIMEOUT" else 30)
        error = await error_of(worker.start(), SpawnError)
        assert error.code == code and text in str(error)
        assert error.stderr_tail == ("broken" if code == "EXITED_EARLY" else "")
        assert worker.state == "idle"

    run(test)


PARENT = """
import asyncio, sys
from multifrost import ParentWorker
async def main():
    worker = ParentWorker.spawn(sys.argv[1])
    await worker.start()
    print(worker.pid, flush=True)
    if sys.argv[2] == "end":
        return
    await worker.call.slow(60)
asyncio.run(main())
"""


@pytest.mark.parametrize("how", ["end", "SIGTERM", "SIGINT", "SIGKILL"])
def test_no_worker_outlives_its_parent(how: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT, EXAMPLE, how], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    worker = int(process.stdout.readline())
    if how != "end":
        process.send_signal(signal.Signals[how])
    process.wait(10)
    deadline = time.monotonic() + 2
    while runs(worker):
        assert time.monotonic() < deadline
        time.sleep(0.01)
