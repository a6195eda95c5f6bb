"""Arguments that were not given: rule CALL-8."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from conftest import TESTS, Bench, RawParent

WORKER = TESTS / "values_worker.py"
UNDEFINED = msgpack.ExtType(0, b"\0")


@pytest.fixture
def worker(bench: Bench) -> RawParent:
    return bench.spawn(WORKER)[0]


@pytest.mark.parametrize(
    "name", ["find", "find_async", "find_decorated", "find_static", "find_class", "only_positional"]
)
def test_the_default_of_a_parameter_applies(worker: RawParent, name: str) -> None:
    limit, opts = (2, 3) if name == "only_positional" else (10, None)
    assert worker.call(name, 1, UNDEFINED, {}) == [1, limit, {}]
    assert worker.call(name, 1, UNDEFINED) == [1, limit, opts]
    assert worker.call(name, 1, UNDEFINED, UNDEFINED) == [1, limit, opts]
    assert worker.call(name, 1, None, UNDEFINED) == [1, None, opts]
    assert worker.call(name, UNDEFINED, 5) == [None, 5, opts]
    assert worker.call(name, UNDEFINED) == [None, limit, opts]


def test_among_any_number_of_arguments_it_is_none(worker: RawParent) -> None:
    assert worker.call("all", UNDEFINED, UNDEFINED, 2) == [1, [None, 2], 5]
    assert worker.call("all", UNDEFINED, 2, UNDEFINED) == [1, [2], 5]


def test_more_than_the_parameters_are_left_out_at_the_end(worker: RawParent) -> None:
    assert worker.call("search", "a", UNDEFINED) == ["a", 5]
    assert worker.call("search", "a", UNDEFINED, UNDEFINED) == ["a", 5]
    error = worker.ask("search", "a", UNDEFINED, 1)["metadata"]["error"]
    assert error["name"] == "TypeError" and "takes 2 positional arguments" in error["message"]


def test_within_an_argument_it_is_none(worker: RawParent) -> None:
    assert worker.call("find", [UNDEFINED, {"a": UNDEFINED}], UNDEFINED, {"b": [UNDEFINED]}) == [
        [None, {"a": None}],
        10,
        {"b": [None]},
    ]


def test_it_is_read_besides_other_values_that_are_rare(worker: RawParent) -> None:
    far = msgpack.Timestamp(8_640_000_000_000, 0)
    message_id = worker.send("call", function="find", args=[{1: "a"}, UNDEFINED, [far, "x" * 2_000_000]])
    while True:
        answer = msgpack.unpackb(worker.socket.recv_multipart()[1], timestamp=0)
        if answer["id"] == message_id:
            assert answer["result"] == [{"1": "a"}, 10, [far, "x" * 2_000_000]]
            return


@pytest.mark.parametrize("env", [{"TEST_THREADS": "2"}, {"TEST_MAX_CONCURRENCY": "1"}])
def test_it_is_read_however_calls_run(bench: Bench, env: dict[str, str]) -> None:
    worker, _ = bench.spawn(WORKER, **env)
    assert worker.call("find", 1, UNDEFINED, {}) == [1, 10, {}]


def test_a_worker_announces_it_in_heartbeats_and_introspection(worker: RawParent) -> None:
    beat = worker.send("heartbeat", metadata={"features": ["cancel"], "own": 1})
    assert worker.answer(beat)["metadata"] == {"own": 1, "hb_response": True, "features": ["undefined"]}
    for name in ("listFunctions", "list_functions", "ListFunctions"):
        assert worker.ask(name)["metadata"]["features"] == ["undefined"]


def test_other_extensions_are_arguments(worker: RawParent) -> None:
    for other in (msgpack.ExtType(0, b"\1"), msgpack.ExtType(0, b""), msgpack.ExtType(1, b"\0")):
        assert worker.call("find", 1, other, 2)[1] == other


@pytest.mark.parametrize("args", [[1.0, 5], [], [2.5, None, {"a": [1]}]])
def test_a_heartbeat_is_answered_with_the_values_that_it_had(worker: RawParent, args: Any) -> None:
    beat: Any = {"app": "comlink_ipc_v3", "id": "beat", "type": "heartbeat", "timestamp": 1, "args": args}
    packer = msgpack.Packer(use_single_float=True)
    worker.send_raw(b"", packer.pack({**beat, "metadata": {"hb_timestamp": 1700000000.0, "long": "x" * 300}}))
    payload = worker.socket.recv_multipart()[1]
    assert packer.pack(args) in payload
    assert packer.pack("hb_timestamp") + packer.pack(1700000000.0) in payload
    assert msgpack.unpackb(payload)["metadata"]["hb_response"] is True
