"""Parent and worker may use different transports, since both are the same on the wire."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import EXAMPLE, Bench
from parent_bench import error_of, run, spawned

from multifrost import MultifrostError, ParentWorker, Registry

TRANSPORTS = ["zmtp", "zeromq"]
LATE = Path(__file__).resolve().parent / "late_worker.py"


@pytest.mark.parametrize("worker_transport", TRANSPORTS)
@pytest.mark.parametrize("parent_transport", TRANSPORTS)
def test_a_spawned_worker_is_reached_on_any_transport(parent_transport: str, worker_transport: str) -> None:
    async def test() -> None:
        env = {"MULTIFROST_TRANSPORT": worker_transport}
        async with spawned(transport=parent_transport, env=env) as worker:
            assert await worker.call.add(1, 2) == 3
            assert await worker.call.echo(bytes(1_000_000)) == bytes(1_000_000)

    run(test)


@pytest.mark.parametrize("worker_transport", TRANSPORTS)
@pytest.mark.parametrize("parent_transport", TRANSPORTS)
def test_a_service_is_reached_on_any_transport(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, parent_transport: str, worker_transport: str
) -> None:
    monkeypatch.setenv("MULTIFROST_TRANSPORT", worker_transport)
    bench.serve("either")

    async def test() -> None:
        registry = Registry(str(bench.home))
        async with await ParentWorker.connect("either", transport=parent_transport, registry=registry) as worker:
            assert await worker.call.add(1, 2) == 3

    run(test)


@pytest.mark.parametrize("older", ["", "1"])
def test_a_worker_on_libzmq_is_let_in_by_its_token_or_as_an_older_worker(older: str, tmp_path: Path) -> None:
    async def test() -> None:
        (tmp_path / "go").touch()
        env = {"MULTIFROST_TRANSPORT": "zeromq", "TEST_FOLDER": str(tmp_path), "TEST_OLDER": older}
        async with spawned(LATE, transport="zmtp", env=env) as worker:
            assert await worker.call.pid() == worker.pid
            assert worker.metrics.refused_connections == 0

    run(test)


def test_an_unknown_transport_is_refused(bench: Bench) -> None:
    async def test() -> None:
        with pytest.raises(MultifrostError, match="transport must be 'auto', 'zmtp' or 'zeromq', not 'udp'"):
            ParentWorker.spawn(EXAMPLE, transport="udp")
        error = await error_of(
            ParentWorker.spawn(EXAMPLE, env={"MULTIFROST_TRANSPORT": "udp"}).start(), MultifrostError
        )
        assert "MULTIFROST_TRANSPORT must be 'auto', 'zmtp' or 'zeromq', not 'udp'" in str(error)

    run(test)
