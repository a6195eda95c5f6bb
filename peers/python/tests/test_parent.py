"""`ParentWorker` against real workers: calls, errors, health, and both ends of its life."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from conftest import EDGE, EXAMPLE, Bench, runs

from multifrost import (
    CallTimeoutError,
    CircuitOpenError,
    ConnectionLostError,
    MultifrostError,
    NotRunningError,
    OverloadError,
    ParentWorker,
    Registry,
    RegistryError,
    RemoteCallError,
    SerializationError,
    SpawnError,
    WorkerExitedError,
)

Error = TypeVar("Error", bound=BaseException)

PATIENCE = 15.0


async def failure(call: Awaitable[Any], kind: type[Error]) -> Error:
    with pytest.raises(kind) as caught:
        await asyncio.wait_for(call, PATIENCE)
    return caught.value


async def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


async def begun(call: Awaitable[Any]) -> asyncio.Future[Any]:
    task = asyncio.ensure_future(call)
    await asyncio.sleep(0)
    return task


def check(test: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


@asynccontextmanager
async def spawned(script: Path = EXAMPLE, **options: Any) -> AsyncIterator[ParentWorker]:
    async with ParentWorker.spawn(script, **options) as worker:
        yield worker


def test_results_errors_and_refusals() -> None:
    async def test() -> None:
        async with spawned() as worker:
            assert await worker.call.add(1, 2) == 3
            assert await worker.call_function("echo", [{"a": [b"\0", None]}]) == {"a": [b"\0", None]}
            error = await failure(worker.call.divide(1, 0), RemoteCallError)
            assert (error.code, error.function_name, error.remote_name) == (
                "REMOTE_ERROR",
                "divide",
                "ZeroDivisionError",
            )
            assert error.remote_message == "division by zero"
            assert error.remote_stack and "in divide" in error.remote_stack
            refused = await failure(worker.call.fctorial(3), RemoteCallError)
            assert refused.code == "FUNCTION_NOT_FOUND" and "did you mean 'factorial'" in str(refused)
            assert (await failure(worker.call_function("_x"), RemoteCallError)).code == "PRIVATE_METHOD"
            elsewhere = worker.with_options(namespace="elsewhere").add(1, 2)
            assert (await failure(elsewhere, RemoteCallError)).code == "WRONG_NAMESPACE"
            assert "add" in await worker.list_functions()

    check(test)


def test_many_calls_at_once_get_each_its_own_answer() -> None:
    async def test() -> None:
        async with spawned() as worker:
            numbers = list(range(2000))
            assert await asyncio.gather(*map(worker.call.echo, numbers)) == numbers
            assert worker.metrics.queue_max_depth == 2000

    check(test)


def test_timeouts_and_options_of_one_chain() -> None:
    async def test() -> None:
        async with spawned(default_timeout=0.1) as worker:
            error = await failure(worker.call.slow(5), CallTimeoutError)
            assert isinstance(error, TimeoutError) and (error.code, error.timeout) == ("TIMEOUT", 0.1)
            patient = worker.call.with_options(timeout=None)
            slow = await begun(patient.slow(0.3))
            assert await worker.call.add(1, 1) == 2
            assert await slow == 0.3
            assert (await failure(worker.with_options(timeout=0).add(1, 1), MultifrostError)).code == "INVALID_OPTION"

    check(test)


def test_a_cancelled_call_is_forgotten() -> None:
    async def test() -> None:
        async with spawned() as worker:
            call = await begun(worker.call.slow(0.2))
            assert worker.metrics.queue_depth == 1
            call.cancel()
            await asyncio.wait([call])
            assert worker.metrics.queue_depth == 0
            assert await worker.call.slow(0.3) == 0.3  # the late answer meanwhile harms nobody

    check(test)


def test_what_cannot_be_sent_is_not_sent_and_named_by_its_path() -> None:
    async def test() -> None:
        async with spawned() as worker:
            error = await failure(worker.call.echo({"x": [print]}), SerializationError)
            assert (error.code, error.path) == ("UNSENDABLE_VALUE", "args[0].x[0]")
            assert worker.metrics.requests_total == 0

    check(test)


def test_calls_before_the_start_after_the_stop_and_too_many() -> None:
    async def test() -> None:
        worker = ParentWorker.spawn(EXAMPLE, max_pending=2)
        assert "start()" in str(await failure(worker.call.add(1, 2), NotRunningError))
        await worker.start()
        assert (await failure(worker.start(), MultifrostError)).code == "ALREADY_STARTED"
        slow = [await begun(worker.call.slow(0.2)) for _ in range(2)]
        assert (await failure(worker.call.add(1, 2), OverloadError)).limit == 2
        assert await asyncio.gather(*slow) == [0.2, 0.2]
        await worker.stop()
        await worker.stop()
        assert (await failure(worker.call.add(1, 2), NotRunningError)).state == "stopped"

    check(test)


def test_metrics_and_health() -> None:
    async def test() -> None:
        async with spawned(heartbeat_interval=0.05) as worker:
            for _ in range(10):
                await worker.call.add(1, 2)
            await failure(worker.call.divide(1, 0), RemoteCallError)
            await until(lambda: worker.last_heartbeat_rtt_ms is not None)
            metrics = worker.metrics
            assert (metrics.requests_total, metrics.requests_success, metrics.requests_failed) == (11, 10, 1)
            assert metrics.error_rate == pytest.approx(1 / 11)
            latency = metrics.latency_ms
            assert latency.min and latency.p50 and latency.p99 and latency.max and latency.last
            assert 0 < latency.min <= latency.p50 <= latency.p99 <= latency.max
            assert worker.is_healthy and worker.pid and worker.circuit_state == "closed"

    check(test)


@pytest.mark.parametrize("how", ["print", "os.write", "subprocess", "buffer"])
def test_output_reaches_the_handlers_whatever_wrote_it(how: str) -> None:
    async def test() -> None:
        lines: list[str] = []
        errors: list[str] = []
        async with spawned(EDGE, on_stdout=lines.append, on_stderr=errors.append) as worker:
            if how == "print":
                await worker.call.both()
                await until(lambda: errors == ["err"])
                assert lines == ["out", "more", "no end"]
            else:
                await worker.call.raw(how, "grüße")
                await until(lambda: lines == ["grüße"])

    check(test)


def test_output_without_handlers_is_printed_with_the_workers_name(capfd: pytest.CaptureFixture[str]) -> None:
    async def test() -> None:
        async with spawned(name="maths") as worker:
            await worker.call.greet("Ada")

    check(test)
    assert "[maths STDOUT]: greeting Ada\n" in capfd.readouterr().out


def test_a_chatty_worker_is_not_blocked() -> None:
    async def test() -> None:
        lines: list[str] = []
        async with spawned(EDGE, on_stdout=lines.append) as worker:
            await worker.call.raw_flood(100_000)
            await until(lambda: len(lines) == 100_000)
            assert lines[-1] == "flood 99999"

    check(test)


def test_a_stop_lets_calls_finish_and_leaves_nothing() -> None:
    async def test() -> None:
        worker = ParentWorker.spawn(EXAMPLE)
        await worker.start()
        pid, slow = worker.pid, await begun(worker.call.slow(0.3))
        await worker.stop()
        assert await slow == 0.3
        assert pid and not runs(pid)

    check(test)


def test_a_stop_while_it_starts() -> None:
    async def test() -> None:
        worker = ParentWorker.spawn("-c", [sys.executable, "-u"], args=["import time; time.sleep(60)"])
        start = await begun(worker.start())
        await worker.stop()
        assert (await failure(start, NotRunningError)).state == "stopping"

    check(test)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("/nowhere/worker.py",), "SCRIPT_NOT_FOUND", "There is no worker script at /nowhere/worker.py"),
        ((EXAMPLE, "no-such-program"), "PROGRAM_NOT_FOUND", "'no-such-program' was not found"),
        (("-c", [sys.executable, "-u"], "raise SystemExit('broken')"), "EXITED_EARLY", "exit code 1"),
        (("-c", [sys.executable, "-u"], "import time; time.sleep(60)"), "START_TIMEOUT", "within 1 s"),
    ],
)
def test_a_worker_that_cannot_start(arguments: Any, code: str, text: str) -> None:
    async def test() -> None:
        script, *rest = arguments
        words = [rest.pop()] if len(rest) == 2 else []
        worker = ParentWorker.spawn(script, *rest, args=words, start_timeout=1 if code == "START_TIMEOUT" else 30)
        error = await failure(worker.start(), SpawnError)
        assert error.code == code and text in str(error)
        assert error.stderr_tail == ("broken" if code == "EXITED_EARLY" else "")
        assert worker.state == "idle"

    check(test)


def test_an_exit_is_noticed_at_once() -> None:
    async def test() -> None:
        async with spawned(EDGE) as worker:
            waiting = await begun(worker.call.sleep_until("/nowhere"))
            began = time.monotonic()
            error = await failure(worker.call.end(3, "last words"), WorkerExitedError)
            assert (error.code, error.exit_code, error.signal) == ("WORKER_EXITED", 3, None)
            assert error.stderr_tail == "last words"
            assert (await failure(waiting, WorkerExitedError)).exit_code == 3
            assert time.monotonic() - began < 2
            assert worker.state == "exited" and not worker.is_healthy
            assert "was not sent" in str(await failure(worker.call.pid(), WorkerExitedError))

    check(test)


def test_a_worker_is_restarted() -> None:
    async def test() -> None:
        async with spawned(EDGE, auto_restart=True) as worker:
            first = worker.pid
            assert first
            waiting = await begun(worker.call.sleep_until("/nowhere"))
            os.kill(first, signal.SIGKILL)
            assert (await failure(waiting, WorkerExitedError)).signal == "SIGKILL"
            assert await worker.call.pid() == worker.pid != first  # made while it restarts: it waits
            assert worker.metrics.restarts == 1

    check(test)


def test_a_worker_that_always_ends_is_given_up(tmp_path: Path) -> None:
    async def test() -> None:
        flag = tmp_path / "run"
        flag.touch()
        options = {"auto_restart": True, "max_restart_attempts": 2, "restart_backoff": 0.01}
        async with spawned(EDGE, env={"TEST_ONLY_WHILE": str(flag)}, **options) as worker:
            flag.unlink()
            assert worker.pid
            os.kill(worker.pid, signal.SIGKILL)
            await until(lambda: worker.state == "exited")
            assert worker.circuit_open
            assert (await failure(worker.call.pid(), WorkerExitedError)).exit_code == 1

    check(test)


def test_a_hung_worker_is_restarted() -> None:
    async def test() -> None:
        beats = {"heartbeat_interval": 0.05, "heartbeat_timeout": 0.2, "heartbeat_max_misses": 2}
        async with spawned(EDGE, auto_restart=True, **beats) as worker:
            first = worker.pid
            assert first
            os.kill(first, signal.SIGSTOP)
            await until(lambda: worker.metrics.restarts == 1)
            assert await worker.call.pid() != first
            assert worker.circuit_state == "closed" and worker.metrics.heartbeat_misses >= 2

    check(test)


def test_lost_heartbeats_open_the_circuit_and_answered_ones_close_it() -> None:
    async def test() -> None:
        beats = {"heartbeat_interval": 0.05, "heartbeat_timeout": 0.1, "heartbeat_max_misses": 2}
        async with spawned(EDGE, circuit_reset_timeout=30, **beats) as worker:
            assert worker.pid
            os.kill(worker.pid, signal.SIGSTOP)
            await until(lambda: worker.circuit_open)
            assert (await failure(worker.call.pid(), CircuitOpenError)).retry_at
            os.kill(worker.pid, signal.SIGCONT)
            await until(lambda: worker.circuit_state == "closed")
            assert await worker.call.pid() == worker.pid

    check(test)


def test_failures_open_the_circuit_and_a_trial_closes_it() -> None:
    async def test() -> None:
        async with spawned(max_restart_attempts=3, circuit_reset_timeout=0.2) as worker:
            for _ in range(3):
                await failure(worker.call.divide(1, 0), RemoteCallError)
            assert worker.circuit_open
            await failure(worker.call.add(1, 2), CircuitOpenError)
            await until(lambda: worker.circuit_state == "half-open")
            trial = await begun(worker.call.slow(0.1))
            await failure(worker.call.add(1, 2), CircuitOpenError)
            assert await trial == 0.1
            assert await worker.call.add(1, 2) == 3
            metrics = worker.metrics
            assert (metrics.circuit_breaker_trips, metrics.circuit_breaker_resets) == (1, 1)

    check(test)


def test_the_callers_own_mistakes_do_not_open_the_circuit() -> None:
    async def test() -> None:
        async with spawned(max_restart_attempts=1, is_failure=lambda error: "division" not in str(error)) as worker:
            await failure(worker.call.nonsense(), RemoteCallError)
            await failure(worker.call.divide(1, 0), RemoteCallError)
            assert worker.circuit_state == "closed"

    check(test)


@pytest.fixture
def registry(bench: Bench) -> Registry:
    return Registry(str(bench.home))


def test_a_service_is_found_lost_and_found_again(bench: Bench, registry: Registry) -> None:
    async def test() -> None:
        _, process = await asyncio.to_thread(bench.serve, "adder", EDGE)
        async with await ParentWorker.connect("adder", 30.0, registry=registry) as worker:
            assert await worker.call.pid() == process.pid
            assert worker.pid is None
            waiting = await begun(worker.call.sleep_until("/nowhere"))
            process.kill()
            process.wait()  # a process that nobody has waited for counts as alive
            assert (await failure(waiting, ConnectionLostError)).code == "CONNECTION_LOST"
            assert worker.state == "reconnecting"
            call = await begun(worker.call.pid())  # waits
            _, second = await asyncio.to_thread(bench.serve, "adder", EDGE)
            assert await asyncio.wait_for(call, PATIENCE) == second.pid
        assert second.poll() is None, "a service is not ended by its parents"

    check(test)


def test_a_service_that_is_not_there(registry: Registry) -> None:
    async def test() -> None:
        error = await failure(ParentWorker.connect("nobody", 0.1, registry=registry), RegistryError)
        assert error.code == "SERVICE_NOT_FOUND"

    check(test)


def test_a_port_that_somebody_else_has(registry: Registry) -> None:
    async def test() -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1")
        registry.register("claimed", server.sockets[0].getsockname()[1])
        worker = await ParentWorker.connect("claimed", 0.3, registry=registry)
        assert (await failure(worker.start(), ConnectionLostError)).code == "UNREACHABLE"
        server.close()

    check(test)


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
def test_a_parent_leaves_no_worker_behind(how: str) -> None:
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
