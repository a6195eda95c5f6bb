"""The short ways for usual calls and responses: they read and write the same as the general ones."""

from __future__ import annotations

import json
import random
from datetime import datetime, timezone
from typing import Any

import msgpack
import pytest
from test_vectors import FOLDER

from multifrost import ChildWorker
from multifrost._child.call_reader import MAX_USUAL_BYTES, CallReader, PlainCall
from multifrost._child.method_table import MethodTable
from multifrost._messages import Messages, new_id
from multifrost._values import to_wire
from multifrost._zmtp.reader import Limits, MessageReader
from multifrost._zmtp.wire import GREETING, message_head, ready
from multifrost.errors import MalformedMessageError

messages = Messages()


class Worker(ChildWorker):
    def add(self, a: int, b: int) -> int:
        return a + b

    def größe(self) -> None:
        pass

    def a_name_of_more_than_thirty_one_characters(self) -> None:
        pass


METHODS = MethodTable(Worker(), ChildWorker)
ARGS: list[list[Any]] = [
    [],
    [1, 2],
    [None, True, -5, 2.5, "text", b"bytes", 2**64 - 1],
    [{"a": [1, {"b": None}]}, [[]]],
    [datetime(2026, 1, 2, tzinfo=timezone.utc)],
    ["\xa4args\xa9namespace\xa7default"],
    [b"\xa4args\x90\xa9namespace\xa7default"],
    list(range(15)),
    list(range(16)),
]


PARENT = object()


def read_alone(reader: CallReader, payload: bytes) -> PlainCall | None:
    calls, end = reader.read(PARENT, framed(payload))
    assert (len(calls), end) in ((0, 0), (1, len(framed(payload))))
    return calls[0] if calls else None


def framed(payload: bytes) -> bytes:
    return message_head(len(payload)) + payload


def read_both(reader: CallReader, payload: bytes) -> bool:
    """Reads a payload in both ways and compares. Returns whether the short one read it."""
    usual = read_alone(reader, payload)
    if usual is None:
        return False
    message = messages.read(payload)
    assert message is not None and message["type"] == "call"
    peer, message_id, method, args, _ = usual
    assert peer is PARENT
    assert (message_id.decode(), repr(args)) == (message["id"], repr(message["args"]))  # NaN is not equal to itself
    assert method is METHODS.get(message["function"])
    return True


@pytest.mark.parametrize("args", ARGS)
def test_a_usual_call_is_read_as_by_the_general_reader(args: list[Any]) -> None:
    reader = CallReader(METHODS, "default")
    for name in METHODS.names():
        assert read_both(reader, messages.call(new_id(), name, args, "default")) == (len(args) < 16)


def test_other_calls_are_left_to_the_general_reader() -> None:
    reader = CallReader(METHODS, "default")
    known = new_id()
    deep = messages.call(known, "add", [1, 2], "default").replace(b"\x92\x01\x02", b"\x91" * 200 + b"\x01")
    bytes_as_key = messages.call(known, "add", [1, 2], "default").replace(b"\x01\x02", b"\x81\xc4\x01k\x02\x02")
    others = [
        messages.call(known, "subtract", [1, 2], "default"),
        messages.call(known, "add", [1, 2], "other"),
        messages.call(known, "add", [1, 2], "default", "client"),
        messages.call("short", "add", [1, 2], "default"),
        messages.call("ü" * 18, "add", [1, 2], "default"),
        messages.call(known, "add", ["x" * MAX_USUAL_BYTES], "default"),
        messages.heartbeat(known),
        deep,
        bytes_as_key,
    ]
    for payload in others:
        assert read_alone(reader, payload) is None
    with pytest.raises(MalformedMessageError, match="nests deeper"):
        messages.read(deep)
    with pytest.raises(MalformedMessageError, match="key of type bytes"):
        messages.read(bytes_as_key)


SMALL = framed(messages.call(new_id(), "add", [1, 2], "default"))
LONG = framed(messages.call(new_id(), "add", ["x" * 300, 2], "default"))
OTHERS = [
    framed(messages.heartbeat(new_id())),
    framed(messages.call(new_id(), "add", ["x" * MAX_USUAL_BYTES, 2], "default")),
    framed(messages.call(new_id(), "subtract", [1, 2], "default")),
    b"\1\0\1\0\0\0",
    b"\1\0\2" + b"\xff" * 8,
    b"\4\5\4PING",
    SMALL[1:],
    SMALL[:-1],
    SMALL.replace(SMALL[3:4], b"\x70"),
    SMALL + b"\0",
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: repr(other[:8]))
def test_only_calls_at_the_beginning_are_read_together(other: bytes) -> None:
    reader = CallReader(METHODS, "default")
    assert_is_beginning(reader, SMALL + LONG + SMALL + other, 3)
    for data in (other + SMALL + LONG, SMALL + other + LONG, SMALL + other + SMALL + other + SMALL):
        assert_is_beginning(reader, data)


def assert_is_beginning(reader: CallReader, data: bytes, at_least: int = 0) -> None:
    """Reads calls, and compares them with the messages that the general reader finds in the same bytes."""
    calls, end = reader.read(PARENT, data)
    assert len(calls) >= at_least
    general = MessageReader(b"ROUTER", Limits())
    general.feed(GREETING + ready(b"DEALER", {}))
    payloads = general.feed(data[:end])
    assert general.held == 0
    assert len(payloads) == len(calls)
    for call, payload in zip(calls, payloads, strict=True):
        message = messages.read(payload) if payload is not None else None
        assert message is not None
        assert (call[1].decode(), call[3]) == (message["id"], message["args"])


def test_bytes_that_look_like_calls_are_read_as_calls_only_where_messages_begin() -> None:
    reader = CallReader(METHODS, "default")
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    pieces = [SMALL, LONG, *OTHERS, *(SMALL[:at] for at in range(0, len(SMALL), 7)), *(LONG[at:] for at in range(9))]
    for _ in range(5_000):
        data = b"".join(rng.choices(pieces, weights=[40, 20] + [1] * (len(pieces) - 2), k=rng.randint(1, 6)))
        try:
            assert_is_beginning(reader, data)
        except Exception as error:
            raise AssertionError(f"{data!r} is read otherwise, seed {seed}") from error


def test_a_message_that_has_not_arrived_completely_is_left() -> None:
    reader = CallReader(METHODS, "default")
    for args in ([1, 2], ["x" * 300, 2]):
        message = framed(messages.call(new_id(), "add", args, "default"))
        for length in range(len(message)):
            calls, end = reader.read(PARENT, message + message[:length])
            assert (len(calls), end) == (1, len(message))


def test_a_namespace_with_special_characters_is_compared_as_text() -> None:
    reader = CallReader(METHODS, "a.b|c\xa9")
    assert read_both(reader, messages.call(new_id(), "add", [1, 2], "a.b|c\xa9"))
    assert read_alone(reader, messages.call(new_id(), "add", [1, 2], "axb|c\xa9")) is None


def test_every_vector_that_the_short_reader_reads_is_read_the_same() -> None:
    reader = CallReader(METHODS, "default")
    for file in FOLDER.glob("*.json"):
        for vector in json.loads(file.read_text("utf-8")):
            if "hex" in vector:
                read_both(reader, bytes.fromhex(vector["hex"]))


def test_changed_bytes_are_read_as_by_the_general_reader_or_left_to_it() -> None:
    reader = CallReader(METHODS, "default")
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    read = 0
    for _ in range(20_000):
        payload = bytearray(messages.call(new_id(), "add", rng.choice(ARGS), "default"))
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(payload))
            change = rng.randrange(3)
            if change == 0:
                payload[at] = rng.randrange(256)
            elif change == 1:
                del payload[at : at + rng.randint(1, 9)]
            else:
                payload[at:at] = rng.randbytes(rng.randint(1, 9))
        try:
            read += read_both(reader, bytes(payload))
        except MalformedMessageError as error:
            raise AssertionError(f"the general reader refuses {bytes(payload)!r}, seed {seed}") from error
    assert read > 0


RESULTS: list[Any] = [
    None, True, 0, -1, 2**63, 2**64, -(2**63) - 1, 1.5, float("nan"), float("inf"), "text", "ü" * 300,
    "\ud800", b"\0\1", "x" * 1024, "x" * 1025, bytes(2000), [1, "two"], {"a": {"b": 1}}, object(),
]  # fmt: skip


@pytest.mark.parametrize("message_id", ["0" * 36, "short", "ü" * 18])
@pytest.mark.parametrize("result", RESULTS, ids=lambda value: repr(value)[:30])
def test_a_response_has_the_same_bytes_as_by_the_general_writer(
    monkeypatch: pytest.MonkeyPatch, result: Any, message_id: str
) -> None:
    monkeypatch.setattr("multifrost._messages.time.time", lambda: 1.25)
    written = messages.response(message_id.encode(), result)
    try:
        expected = messages.write("response", message_id, result=to_wire(result))
    except Exception:
        assert msgpack.unpackb(written)["type"] == "error"
    else:
        assert written == expected
