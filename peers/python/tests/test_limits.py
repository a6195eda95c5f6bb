"""The limits of messages and values: options of worker and parent. What exceeds one is answered, or raised."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from conftest import TESTS, Bench, RawParent

from multifrost import ChildWorker, Limits, MultifrostError, ParentWorker, SerializationError
from multifrost._codec import Codec
from multifrost._messages import Messages, new_id
from multifrost._values import to_wire
from multifrost.errors import MalformedMessageError

WORKER = TESTS / "values_worker.py"
LOW = {"TEST_LIMITS": "1"}


@pytest.fixture(params=["spawned", "service"])
def low(bench: Bench, request: pytest.FixtureRequest) -> RawParent:
    return bench.spawn(WORKER, **LOW)[0] if request.param == "spawned" else bench.serve("low", WORKER, **LOW)[0]


def code_of(answer: dict[str, Any]) -> str:
    assert answer["type"] == "error", answer
    return str(answer["metadata"]["error"]["code"])


RESULTS = [
    ("text", 20_000, 20_001, "result: 20001 bytes are more than the 20000 of a text (limits.string_bytes)"),
    ("umlauts", 10_000, 10_001, "result: 20002 bytes are more than the 20000 of a text (limits.string_bytes)"),
    ("bytes", 30_000, 30_001, "result: 30001 bytes are more than the 30000 of binary data (limits.binary_bytes)"),
    ("list", 1000, 1001, "result: 1001 items are more than the 1000 of an array (limits.array_items)"),
    ("map", 100, 101, "result: 101 keys are more than the 100 of a map (limits.map_items)"),
    ("lists", 499, 500, "result[499]: there are more than 500 arrays and maps in the message (limits.objects)"),
    ("values", 3, 4, "result[3]: there are more than 3000 values in the message (limits.values)"),
]


@pytest.mark.parametrize(("kind", "most", "more", "message"), RESULTS)
def test_a_result_over_a_limit_is_answered_with_an_error(
    low: RawParent, kind: str, most: int, more: int, message: str
) -> None:
    assert low.ask("give", kind, most)["type"] == "response"
    answer = low.ask("give", kind, more)
    assert code_of(answer) == "LIMIT_EXCEEDED"
    assert answer["metadata"]["error"]["message"] == message


def test_a_result_that_makes_the_message_too_large_is_answered_with_an_error(low: RawParent) -> None:
    assert low.ask("give", "texts", 9)["type"] == "response"
    assert code_of(low.ask("give", "texts", 10)) == "MESSAGE_TOO_LARGE"


@pytest.mark.parametrize(
    "value",
    [
        "x" * 20_001,
        bytes(30_001),
        [0] * 1001,
        {f"k{n}": 0 for n in range(101)},
        [[] for _ in range(600)],
        [[0] * 900] * 4,
        "x" * 100_001,
        bytes(200_000),
        bytes(20_000_000),
        [[[[[[[[[[[1]]]]]]]]]]],
    ],
    ids=lambda value: f"{type(value).__name__} {len(value)}",
)
def test_a_call_over_a_limit_is_answered_with_an_error(low: RawParent, value: Any) -> None:
    assert code_of(low.ask("echo", value)) == "LIMIT_EXCEEDED"
    assert low.call("echo", 1) == 1


def test_a_call_over_the_limit_is_answered_on_libzmq(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIFROST_TRANSPORT", "zeromq")
    for parent in (bench.spawn(WORKER, **LOW)[0], bench.serve("low", WORKER, **LOW)[0]):
        assert code_of(parent.ask("echo", bytes(200_000))) == "LIMIT_EXCEEDED"
        assert parent.call("echo", 1) == 1


def test_calls_in_parts_and_in_flight_are_answered_besides_one_over_the_limit(low: RawParent) -> None:
    small = [low.send("call", function="echo", args=[n]) for n in range(20)]
    large = [low.send("call", function="echo", args=[bytes(300_000 + n)]) for n in range(5)]
    last = low.send("call", function="echo", args=["last"])
    assert low.answer(last)["result"] == "last"
    assert [low.answer(one)["result"] for one in small] == list(range(20))
    assert {code_of(low.answer(one)) for one in large} == {"LIMIT_EXCEEDED"}


def test_an_error_is_answered_in_the_limits(low: RawParent) -> None:
    answer = low.ask("give", "error", 60_000)
    assert answer["metadata"]["error"]["name"] == "ValueError"
    assert len(answer["metadata"]["error"]["message"]) < 600


def test_a_printed_line_may_be_larger_than_the_limit_of_a_message(bench: Bench) -> None:
    low, _ = bench.spawn(WORKER, **LOW)
    assert low.ask("give", "print", 200_000)["type"] == "response"
    assert len("".join(low.output("stdout"))) == 200_000


@pytest.mark.parametrize("transport", ["zmtp", "zeromq"], indirect=True)
def test_a_parent_raises_what_is_over_its_limits(transport: str) -> None:
    async def run() -> None:
        limits = Limits(message_bytes=50_000, array_items=100)
        async with ParentWorker.spawn(WORKER, limits=limits, start_timeout=10) as worker:
            with pytest.raises(SerializationError, match=r"args\[0\]: 101 items are more than the 100 of an array"):
                await worker.call.echo([0] * 101)
            with pytest.raises(SerializationError, match="are more than the 50000 of one message") as caught:
                await worker.call.echo("x" * 50_001)
            assert caught.value.code == "MESSAGE_TOO_LARGE"
            for kind, size in (("list", 101), ("text", 60_000), ("bytes", 2_000_000)):
                with pytest.raises(SerializationError, match="sent an answer that cannot be read") as caught:
                    await asyncio.wait_for(worker.call.give(kind, size), 15)
                assert caught.value.code == "LIMIT_EXCEEDED"
            assert await worker.call.echo([1]) == [1]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"array_items": 5}, "limits must be multifrost.Limits(...), not {'array_items': 5}."),
        (None, "limits must be multifrost.Limits(...), not None."),
        (Limits(array_items=0), "limits.array_items must be a whole number of at least 100, not 0."),
        (Limits(values=True), "limits.values must be a whole number of at least 100, not True."),
        (Limits(string_bytes=1.5e9), "limits.string_bytes must be a whole number of at least 1024, not 1500000000.0."),  # type: ignore[arg-type]
        (Limits(depth=251), "limits.depth must be a whole number of at least 1, at most 250, not 251."),
    ],
)
def test_wrong_limits_are_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch, limits: Any, message: str) -> None:
    with pytest.raises(MultifrostError) as caught:
        ParentWorker.spawn("worker.py", limits=limits)
    assert (caught.value.code, str(caught.value)) == ("INVALID_OPTION", message)

    class Worker(ChildWorker):
        pass

    Worker.limits = limits
    with pytest.raises(MultifrostError) as caught:
        Worker("limited").start()
    assert (caught.value.code, str(caught.value)) == ("INVALID_OPTION", message)


def test_what_a_limit_allows_to_send_it_allows_to_read() -> None:
    for limits in (Limits(depth=250), Limits(depth=3), Limits(4096, 1024, 1, 100, 100, 100, 100, 1)):
        messages = Messages(limits=limits)
        value: Any = "x"
        for _ in range(limits.depth):
            value = [value]
        assert (read := messages.read(messages.call(new_id(), "echo", [value], "default")))
        assert read["args"] == [value]
        assert messages.read(messages.response(new_id().encode(), value)) is not None
        with pytest.raises(SerializationError, match=f"nested deeper than {limits.depth} levels"):
            to_wire([value], limits)
        with pytest.raises(MalformedMessageError, match=f"nests deeper than {limits.depth} levels"):
            messages.read(Messages(limits=Limits(depth=251)).call(new_id(), "echo", [[value]], "default"))


def test_a_payload_of_less_bytes_than_each_limit_is_not_counted() -> None:
    assert Codec().uncounted_bytes == 1_000_000
    assert Codec(Limits(map_items=7)).uncounted_bytes == 7


def test_limits_may_also_be_given_to_the_constructor() -> None:
    with contextlib.suppress(MultifrostError):
        ChildWorker("limited", limits=Limits(depth=5)).stop()
