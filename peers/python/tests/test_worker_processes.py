"""Processes that a worker starts are no workers: its forks, multiprocessing with and without a guard, a copy of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Bench
from parent_bench import eventually, run, spawned

from multifrost import ParentWorker, Registry

GUARD = 'Put it under `if __name__ == "__main__":`'
MP = Path(__file__).resolve().parent / "mp_worker.py"


@pytest.mark.parametrize("guard", ["with a guard", "without a guard"])
@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("pool", ["squares", "squares_by_futures"])
def test_a_pool_of_processes_returns_and_the_worker_answers_every_call(pool: str, how: str, guard: str) -> None:
    lines: list[str] = []
    errors: list[str] = []
    options: dict[str, Any] = {"on_stdout": lines.append, "on_stderr": errors.append}
    options["env"] = {"TEST_GUARD": "1" if guard == "with a guard" else ""}

    async def test() -> None:
        async with spawned(MP, **options) as worker:
            squares, pids = await asyncio.gather(
                worker.call_function(pool, [how]),
                asyncio.gather(*[worker.call.async_pid() for _ in range(100)]),
            )
            assert squares == [1, 4, 9]
            assert pids == [worker.pid] * 100
            assert await asyncio.gather(*[worker.call.pid() for _ in range(100)]) == [worker.pid] * 100
        await eventually(lambda: len(lines) == 3)
        assert sorted(lines) == ["squaring 1", "squaring 2", "squaring 3"]
        warned = guard == "without a guard" and how != "fork"
        # However many processes import the script, one line says what to write.
        await eventually(lambda: len(errors) >= warned)
        assert [GUARD in line for line in errors] == [True] * warned

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


def test_a_service_that_a_worker_starts_registers_and_the_worker_answers_every_call(bench: Bench) -> None:
    async def test() -> None:
        async with spawned(MP, env={"TEST_GUARD": "1", "HOME": str(bench.home)}) as worker:
            service_pid = await worker.call.start_service("nested")
            try:
                registry = Registry(str(bench.home))
                async with await ParentWorker.connect("nested", timeout=15, registry=registry) as service:
                    assert await service.call.pid() == service_pid
                    pids = [worker.call.pid() for _ in range(100)] + [service.call.pid() for _ in range(100)]
                    assert await asyncio.gather(*pids) == [worker.pid] * 100 + [service_pid] * 100
            finally:
                assert await worker.call.stop_service() == 0
            assert "nested" not in bench.services()

    run(test)


def test_a_fork_that_lives_on_gets_no_call() -> None:
    async def test() -> None:
        async with spawned(MP) as worker:
            fork = await worker.call.fork_that_stays()
            assert fork != worker.pid
            assert await asyncio.gather(*[worker.call.pid() for _ in range(100)]) == [worker.pid] * 100
            assert await worker.call.end_fork(fork) == 0

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


def test_a_worker_imports_neither_the_parent_nor_pyzmq_nor_asyncio() -> None:
    program = "import sys; from multifrost import ChildWorker; print(*sys.modules, sep='\\n')"
    package = str(MP.parents[1])
    done = subprocess.run([sys.executable, "-c", program], cwd=package, capture_output=True, text=True, check=True)
    imported = done.stdout.split()
    assert "multifrost._child.zmtp_link" in imported
    # Each takes as long to import as the rest of the worker.
    assert {"zmq", "asyncio", "logging", "inspect", "multifrost._parent", "multifrost._registry"} & {*imported} == set()


def test_a_parent_does_not_import_pyzmq_by_default() -> None:
    program = "import sys, multifrost.sync; multifrost.ParentWorker; print('zmq' in sys.modules)"
    package = str(MP.parents[1])
    done = subprocess.run([sys.executable, "-c", program], cwd=package, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
