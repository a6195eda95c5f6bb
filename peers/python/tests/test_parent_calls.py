"""`ParentWorker` calls real workers: results, errors, options, metrics and output."""

from __future__ import annotations

import asyncio

import pytest
from conftest import EDGE, EXAMPLE
from parent_bench import error_of, eventually, run, spawned, started

from multifrost import (
    CallTimeoutError,
    MultifrostError,
    NotRunningError,
    OverloadError,
    ParentWorker,
    RemoteCallError,
    SerializationError,
)


def test_a_call_returns_the_result_or_raises_the_error_or_the_refusal() -> None:
    async def test() -> None:
        async with spawned() as worker:
            assert await worker.call.add(1, 2) == 3
            assert await worker.call_function("echo", [{"a": [b"\0", None]}]) == {"a": [b"\0", None]}
            error = await error_of(worker.call.divide(1, 0), RemoteCallError)
            assert (error.code, error.function_name, error.remote_name) == (
                "REMOTE_ERROR",
                "divide",
                "ZeroDivisionError",
            )
            assert error.remote_message == "division by zero"
            assert error.remote_stack and "in divide" in error.remote_stack
            refused = await error_of(worker.call.fctorial(3), RemoteCallError)
            assert refused.code == "FUNCTION_NOT_FOUND" and "did you mean 'factorial'" in str(refused)
            assert (await error_of(worker.call_function("_x"), RemoteCallError)).code == "PRIVATE_METHOD"
            elsewhere = worker.with_options(namespace="elsewhere").add(1, 2)
            assert (await error_of(elsewhere, RemoteCallError)).code == "WRONG_NAMESPACE"
            assert "add" in await worker.list_functions()

    run(test)


def test_each_of_many_calls_at_once_gets_its_own_answer() -> None:
    async def test() -> None:
        async with spawned() as worker:
            numbers = list(range(2000))
            assert await asyncio.gather(*map(worker.call.echo, numbers)) == numbers
            assert worker.metrics.queue_max_depth == 2000

    run(test)


def test_a_call_times_out_and_with_options_changes_only_its_own_calls() -> None:
    async def test() -> None:
        async with spawned(EDGE, default_timeout=0.1) as worker:
            error = await error_of(worker.call.rest(5), CallTimeoutError)
            assert isinstance(error, TimeoutError) and (error.code, error.timeout) == ("TIMEOUT", 0.1)
            patient = worker.call.with_options(timeout=None)
            slow = await started(patient.rest(0.3))
            assert await worker.call.inherited() == "inherited"
            assert await slow == 0.3
            with pytest.raises(MultifrostError) as caught:
                worker.with_options(timeout=0)
            assert caught.value.code == "INVALID_OPTION"

    run(test)


def test_a_cancelled_call_is_dropped_and_its_late_answer_ignored() -> None:
    async def test() -> None:
        async with spawned() as worker:
            call = await started(worker.call.slow(0.2))
            assert worker.metrics.queue_depth == 1
            call.cancel()
            await asyncio.wait([call])
            assert worker.metrics.queue_depth == 0
            assert await worker.call.slow(0.3) == 0.3  # the late answer that arrives meanwhile is ignored

    run(test)


def test_an_unsendable_argument_is_named_by_its_path_and_not_sent() -> None:
    async def test() -> None:
        async with spawned() as worker:
            error = await error_of(worker.call.echo({"x": [print]}), SerializationError)
            assert (error.code, error.path) == ("UNSENDABLE_VALUE", "args[0].x[0]")
            assert worker.metrics.requests_total == 0

    run(test)


def test_calls_before_the_start_after_the_stop_or_beyond_max_pending_are_refused() -> None:
    async def test() -> None:
        worker = ParentWorker.spawn(EXAMPLE, max_pending=2)
        assert "start()" in str(await error_of(worker.call.add(1, 2), NotRunningError))
        await worker.start()
        assert (await error_of(worker.start(), MultifrostError)).code == "ALREADY_STARTED"
        slow = [await started(worker.call.slow(0.2)) for _ in range(2)]
        assert (await error_of(worker.call.add(1, 2), OverloadError)).limit == 2
        assert await asyncio.gather(*slow) == [0.2, 0.2]
        await worker.stop()
        await worker.stop()
        assert (await error_of(worker.call.add(1, 2), NotRunningError)).state == "stopped"

    run(test)


def test_metrics_and_health_are_reported() -> None:
    async def test() -> None:
        async with spawned(heartbeat_interval=0.05) as worker:
            for _ in range(10):
                await worker.call.add(1, 2)
            await error_of(worker.call.divide(1, 0), RemoteCallError)
            await eventually(lambda: worker.last_heartbeat_rtt_ms is not None)
            metrics = worker.metrics
            assert (metrics.requests_total, metrics.requests_success, metrics.requests_failed) == (11, 10, 1)
            assert metrics.error_rate == pytest.approx(1 / 11)
            latency = metrics.latency_ms
            assert latency.min and latency.p50 and latency.p99 and latency.max and latency.last
            assert 0 < latency.min <= latency.p50 <= latency.p99 <= latency.max
            assert worker.is_healthy and worker.pid and worker.circuit_state == "closed"

    run(test)


@pytest.mark.parametrize("how", ["print", "os.write", "subprocess", "buffer"])
def test_output_reaches_the_handlers_however_it_was_written(how: str) -> None:
    async def test() -> None:
        lines: list[str] = []
        errors: list[str] = []
        async with spawned(EDGE, on_stdout=lines.append, on_stderr=errors.append) as worker:
            if how == "print":
                await worker.call.both()
                await eventually(lambda: errors == ["err"])
                assert lines == ["out", "more", "no end"]
            else:
                await worker.call.raw(how, "grüße")
                await eventually(lambda: lines == ["grüße"])

    run(test)


def test_output_without_handlers_is_printed_with_the_workers_name(capfd: pytest.CaptureFixture[str]) -> None:
    async def test() -> None:
        async with spawned(name="maths") as worker:
            await worker.call.greet("Ada")

    run(test)
    assert "[maths STDOUT]: greeting Ada\n" in capfd.readouterr().out


def test_a_worker_that_prints_a_lot_is_not_blocked() -> None:
    async def test() -> None:
        lines: list[str] = []
        async with spawned(EDGE, on_stdout=lines.append) as worker:
            await worker.call.raw_flood(100_000)
            await eventually(lambda: len(lines) == 100_000)
            assert lines[-1] == "flood 99999"

    run(test)
