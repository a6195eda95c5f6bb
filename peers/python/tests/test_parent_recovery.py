"""How `ParentWorker` handles exits, hung workers, failures and lost services."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from conftest import EDGE, Bench
from parent_bench import TIME_LIMIT, error_of, eventually, run, spawned, started

from multifrost import (
    CallTimeoutError,
    CircuitOpenError,
    ConnectionLostError,
    ParentWorker,
    Registry,
    RegistryError,
    RemoteCallError,
    WorkerExitedError,
)
from multifrost._parent.options import GivenOptions


def test_an_exit_fails_the_calls_in_flight_at_once() -> None:
    async def test() -> None:
        async with spawned(EDGE) as worker:
            waiting = await started(worker.call.sleep_until("/nowhere"))
            began = time.monotonic()
            error = await error_of(worker.call.end(3, "last words"), WorkerExitedError)
            assert (error.code, error.exit_code, error.signal) == ("WORKER_EXITED", 3, None)
            assert error.stderr_tail == "last words"
            assert (await error_of(waiting, WorkerExitedError)).exit_code == 3
            assert time.monotonic() - began < 2
            assert worker.state == "exited" and not worker.is_healthy
            assert "was not sent" in str(await error_of(worker.call.pid(), WorkerExitedError))

    run(test)


def test_a_killed_worker_is_restarted_and_calls_wait_for_it() -> None:
    async def test() -> None:
        async with spawned(EDGE, auto_restart=True) as worker:
            first = worker.pid
            assert first
            waiting = await started(worker.call.sleep_until("/nowhere"))
            os.kill(first, signal.SIGKILL)
            assert (await error_of(waiting, WorkerExitedError)).signal == "SIGKILL"
            assert await worker.call.pid() == worker.pid != first  # a call made during the restart waits
            assert worker.metrics.restarts == 1

    run(test)


def test_a_worker_that_keeps_exiting_is_given_up(tmp_path: Path) -> None:
    async def test() -> None:
        flag = tmp_path / "run"
        flag.touch()
        options = {"auto_restart": True, "max_restart_attempts": 2, "restart_backoff": 0.01}
        async with spawned(EDGE, env={"TEST_ONLY_WHILE": str(flag)}, **options) as worker:
            flag.unlink()
            assert worker.pid
            os.kill(worker.pid, signal.SIGKILL)
            await eventually(lambda: worker.state == "exited")
            assert worker.circuit_open
            assert (await error_of(worker.call.pid(), WorkerExitedError)).exit_code == 1

    run(test)


def test_a_hung_worker_is_restarted() -> None:
    async def test() -> None:
        beats = {"heartbeat_interval": 0.05, "heartbeat_timeout": 0.2, "heartbeat_max_misses": 2, "stall_timeout": 0.3}
        async with spawned(EDGE, auto_restart=True, **beats) as worker:
            first = worker.pid
            assert first
            os.kill(first, signal.SIGSTOP)
            error = await error_of(worker.call.pid(), WorkerExitedError)
            assert error.stalled == pytest.approx(0.3) and "stall_timeout" in str(error)
            await eventually(lambda: worker.metrics.restarts == 1)
            assert await worker.call.pid() != first
            assert worker.circuit_state == "closed" and worker.metrics.heartbeat_misses >= 2

    run(test)


def test_a_stalled_worker_is_reported_and_goes_on() -> None:
    async def test() -> None:
        beats = {"heartbeat_interval": 0.02, "heartbeat_timeout": 0.05, "heartbeat_max_misses": 2}
        async with spawned(EDGE, auto_restart=True, max_restart_attempts=1, **beats) as worker:
            assert worker.pid
            os.kill(worker.pid, signal.SIGSTOP)
            waiting = await started(worker.call.pid())
            await eventually(lambda: worker.metrics.heartbeat_misses > 20)
            assert (worker.state, worker.circuit_state, worker.is_healthy) == ("stalled", "closed", False)
            os.kill(worker.pid, signal.SIGCONT)
            assert await waiting == worker.pid
            await eventually(lambda: worker.is_healthy)
            metrics = worker.metrics
            assert (metrics.restarts, metrics.circuit_breaker_trips, metrics.requests_failed) == (0, 0, 0)

    run(test)


def test_a_parent_that_was_blocked_itself_does_not_kill_its_worker() -> None:
    async def test() -> None:
        beats = {"heartbeat_interval": 0.05, "heartbeat_timeout": 1.0, "heartbeat_max_misses": 1, "stall_timeout": 0}
        async with spawned(EDGE, auto_restart=True, **beats) as worker:
            first = worker.pid
            for seconds in (1.3, 2.5):
                rtt = worker.last_heartbeat_rtt_ms
                await eventually(lambda rtt=rtt: worker.last_heartbeat_rtt_ms != rtt)  # type: ignore[misc]
                blocked = time.monotonic()
                while time.monotonic() - blocked < seconds:
                    pass
            assert await worker.call.pid() == first
            assert worker.metrics.restarts == 0 and worker.circuit_state == "closed"

    run(test)


def test_lost_heartbeats_open_the_circuit_and_answered_ones_close_it() -> None:
    async def test() -> None:
        beats = {"heartbeat_interval": 0.05, "heartbeat_timeout": 0.1, "heartbeat_max_misses": 2, "stall_timeout": 0}
        async with spawned(EDGE, circuit_reset_timeout=30, **beats) as worker:
            assert worker.pid
            os.kill(worker.pid, signal.SIGSTOP)
            await eventually(lambda: worker.circuit_open)
            assert (await error_of(worker.call.pid(), CircuitOpenError)).retry_at
            os.kill(worker.pid, signal.SIGCONT)
            await eventually(lambda: worker.circuit_state == "closed")
            assert await worker.call.pid() == worker.pid

    run(test)


def test_failures_open_the_circuit_and_a_successful_trial_closes_it() -> None:
    async def test() -> None:
        async with spawned(max_restart_attempts=3, circuit_reset_timeout=0.2) as worker:
            for _ in range(3):
                await error_of(worker.with_options(timeout=0.001).slow(0.1), CallTimeoutError)
            assert worker.circuit_open
            assert (await error_of(worker.call.add(1, 2), CircuitOpenError)).function_name is None
            await eventually(lambda: worker.circuit_state == "half-open")
            trial = await started(worker.call.slow(0.1))
            await error_of(worker.call.add(1, 2), CircuitOpenError)
            assert await trial == 0.1
            assert await worker.call.add(1, 2) == 3
            metrics = worker.metrics
            assert (metrics.circuit_breaker_trips, metrics.circuit_breaker_resets) == (1, 1)

    run(test)


def test_a_method_that_raises_again_and_again_is_refused_and_no_other() -> None:
    async def test() -> None:
        async with spawned(max_restart_attempts=5, circuit_reset_timeout=30) as worker:
            for _ in range(5):
                await error_of(worker.call.divide(1, 0), RemoteCallError)
                assert await worker.call.add(1, 2) == 3
            refused = await error_of(worker.call.divide(1, 1), CircuitOpenError)
            assert refused.function_name == "divide" and "is_failure" in str(refused)
            assert await worker.call.add(1, 2) == 3
            assert (worker.circuit_state, worker.is_healthy) == ("closed", True)
            assert worker.metrics.circuit_breaker_trips == 1
            worker.reset_circuit()
            assert await worker.call.divide(1, 1) == 1

    run(test)


def test_the_callers_mistakes_do_not_open_the_circuit() -> None:
    async def test() -> None:
        async with spawned(max_restart_attempts=1, is_failure=lambda error: "division" not in str(error)) as worker:
            for _ in range(2):
                await error_of(worker.call.nonsense(), RemoteCallError)
                assert (await error_of(worker.call.divide(1, 0), RemoteCallError)).code == "REMOTE_ERROR"
            assert worker.circuit_state == "closed"

    run(test)


def test_a_worker_that_is_ended_in_order_and_restarted_costs_its_callers_nothing() -> None:
    async def test() -> None:
        async with spawned(EDGE, auto_restart=True, max_restart_attempts=5, restart_backoff=0.01) as worker:
            calls = SteadyCalls(worker)
            for restarts in range(3):
                assert worker.pid
                os.kill(worker.pid, signal.SIGTERM)
                await eventually(lambda restarts=restarts: worker.metrics.restarts > restarts)  # type: ignore[misc]
                assert await worker.call.pid() == worker.pid
            await calls.end()
            assert worker.metrics.requests_failed == 0

    run(test)


class SteadyCalls:
    """Callers that call a worker without a pause."""

    def __init__(self, worker: ParentWorker) -> None:
        self._over = False
        self._worker = worker
        self._callers = [asyncio.create_task(self._call()) for _ in range(8)]

    async def _call(self) -> None:
        while not self._over:
            await self._worker.call.pid()

    async def end(self) -> None:
        """Raises what a call raised."""
        self._over = True
        await asyncio.gather(*self._callers)


@pytest.fixture
def registry(bench: Bench) -> Registry:
    return Registry(str(bench.home))


def test_a_lost_service_is_found_again_and_calls_wait_for_it(bench: Bench, registry: Registry) -> None:
    async def test() -> None:
        _, process = await asyncio.to_thread(bench.serve, "adder", EDGE)
        async with await ParentWorker.connect("adder", 30.0, registry=registry) as worker:
            assert await worker.call.pid() == process.pid
            assert worker.pid is None
            waiting = await started(worker.call.sleep_until("/nowhere"))
            process.kill()
            process.wait()  # a zombie counts as alive
            assert (await error_of(waiting, ConnectionLostError)).code == "CONNECTION_LOST"
            assert worker.state == "reconnecting"
            call = await started(worker.call.pid())
            _, second = await asyncio.to_thread(bench.serve, "adder", EDGE)
            assert await asyncio.wait_for(call, TIME_LIMIT) == second.pid
        assert second.poll() is None, "a parent must not end a service"

    run(test)


def test_a_service_that_is_restarted_in_order_costs_its_callers_nothing(bench: Bench, registry: Registry) -> None:
    async def test() -> None:
        _, process = await asyncio.to_thread(bench.serve, "adder", EDGE)
        options: GivenOptions = {"registry": registry, "max_restart_attempts": 1}
        async with await ParentWorker.connect("adder", 30.0, **options) as worker:
            calls = SteadyCalls(worker)
            for _ in range(2):
                await worker.call.pid()
                process.terminate()
                await asyncio.to_thread(process.wait)
                _, process = await asyncio.to_thread(bench.serve, "adder", EDGE)
                assert await worker.call.pid() == process.pid
            await calls.end()
            assert (worker.metrics.requests_failed, worker.metrics.circuit_breaker_trips) == (0, 0)

    run(test)


def test_calls_for_a_service_that_is_away_count_for_nothing(bench: Bench, registry: Registry) -> None:
    async def test() -> None:
        _, process = await asyncio.to_thread(bench.serve, "adder", EDGE)
        options: GivenOptions = {"registry": registry, "max_restart_attempts": 2, "start_timeout": 2.0}
        async with await ParentWorker.connect("adder", 30.0, **options) as worker:
            process.kill()
            process.wait()
            await eventually(lambda: worker.state == "reconnecting")
            for _ in range(3):
                error = await error_of(worker.with_options(timeout=0.001).pid(), CallTimeoutError)
                assert "was never sent" in str(error)
            assert (await error_of(worker.call.pid(), ConnectionLostError)).code == "UNREACHABLE"
            assert worker.circuit_state == "closed"

    run(test)


def test_a_service_that_does_not_run_is_not_found(registry: Registry) -> None:
    async def test() -> None:
        error = await error_of(ParentWorker.connect("missing", 0.1, registry=registry), RegistryError)
        assert error.code == "SERVICE_NOT_FOUND"

    run(test)


def test_a_port_that_another_program_uses_is_unreachable(registry: Registry) -> None:
    async def test() -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1")
        registry.register("claimed", server.sockets[0].getsockname()[1])
        worker = await ParentWorker.connect("claimed", 0.3, registry=registry)
        assert (await error_of(worker.start(), ConnectionLostError)).code == "UNREACHABLE"
        server.close()

    run(test)
