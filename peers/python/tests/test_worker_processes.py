"""Processes that a worker starts are no workers: its forks, multiprocessing with and without a guard, a copy of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from parent_bench import eventually, run, spawned

MP = Path(__file__).resolve().parent / "mp_worker.py"


@pytest.mark.parametrize("guard", ["with a guard", "without a guard"])
@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes_returns_and_the_worker_answers_every_call(how: str, guard: str) -> None:
    lines: list[str] = []
    errors: list[str] = []
    options: dict[str, Any] = {"on_stdout": lines.append, "on_stderr": errors.append}
    options["env"] = {"TEST_GUARD": "1" if guard == "with a guard" else ""}

    async def test() -> None:
        async with spawned(MP, **options) as worker:
            assert await worker.call.squares(how) == [1, 4, 9]
            assert await asyncio.gather(*[worker.call.pid() for _ in range(100)]) == [worker.pid] * 100
        await eventually(lambda: len(lines) == 3)
        assert sorted(lines) == ["squaring 1", "squaring 2", "squaring 3"]
        warned = guard == "without a guard" and how != "fork"
        # The method cannot be called twice: each process says once that the guard is missing.
        assert [line for line in errors if "__main__" in line] == (errors if warned else [])
        assert bool(errors) == warned

    run(test)


def test_the_traceback_of_a_failed_process_arrives() -> None:
    errors: list[str] = []

    async def test() -> None:
        async with spawned(MP, on_stderr=errors.append) as worker:
            assert await worker.call.failing_process() == 1
            await eventually(lambda: "ValueError: job failed 2" in errors)

    run(test)


def test_a_fork_that_returns_from_the_method_ends_there() -> None:
    lines: list[str] = []

    async def test() -> None:
        async with spawned(MP, on_stdout=lines.append) as worker:
            assert await worker.call.fork_that_returns() > 0
            assert [await worker.call.pid() for _ in range(20)] == [worker.pid] * 20
            await eventually(lambda: lines == ["in the fork"])

    run(test)


def test_a_copy_of_the_worker_finds_no_parent_and_a_second_worker_object_is_refused() -> None:
    async def test() -> None:
        async with spawned(MP) as worker:
            code, stderr = await worker.call.run_itself()
            assert code == 1 and stderr.startswith(
                "multifrost: COMLINK_ZMQ_PORT is not set and no service id was given"
            )
            assert (await worker.call.second_worker()).startswith("ALREADY_STARTED: Another worker")
            assert await worker.call.pid() == worker.pid

    run(test)


def test_the_default_transport_does_not_import_pyzmq() -> None:
    program = (
        "import sys, multifrost, multifrost.sync; from multifrost._child import zmtp_link; print('zmq' in sys.modules)"
    )
    package = str(MP.parents[1])
    done = subprocess.run([sys.executable, "-c", program], cwd=package, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
