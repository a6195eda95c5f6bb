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
from multifrost import _messages as messages
from multifrost._child.call_reader import MAX_USUAL_BYTES, CallReader
from multifrost._child.method_table import MethodTable
from multifrost._values import to_wire
from multifrost.errors import MalformedMessageError


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


def read_both(reader: CallReader, payload: bytes) -> bool:
    """Reads a payload in both ways and compares. Returns whether the short one read it."""
    usual = reader.read(payload)
    if usual is None:
        return False
    message = messages.read(payload)
    assert message is not None and message["type"] == "call"
    message_id, method, args = usual
    assert (message_id, args) == (message["id"], message["args"])
    assert method is METHODS.get(message["function"])
    return True


@pytest.mark.parametrize("args", ARGS)
def test_a_usual_call_is_read_as_by_the_general_reader(args: list[Any]) -> None:
    reader = CallReader(METHODS, "default")
    for name in METHODS.names():
        assert read_both(reader, messages.call(messages.new_id(), name, args, "default")) == (len(args) < 16)


def test_other_calls_are_left_to_the_general_reader() -> None:
    reader = CallReader(METHODS, "default")
    known = messages.new_id()
    assert reader.read(messages.call(known, "subtract", [1, 2], "default")) is None
    assert reader.read(messages.call(known, "add", [1, 2], "other")) is None
    assert reader.read(messages.call(known, "add", [1, 2], "default", "client")) is None
    assert reader.read(messages.call("short", "add", [1, 2], "default")) is None
    assert reader.read(messages.call(known, "add", ["x" * MAX_USUAL_BYTES], "default")) is None
    assert reader.read(messages.heartbeat(known)) is None
    deep = messages.call(known, "add", [1, 2], "default").replace(b"\x92\x01\x02", b"\x91" * 200 + b"\x01")
    assert reader.read(deep) is None
    with pytest.raises(MalformedMessageError, match="nests deeper"):
        messages.read(deep)


def test_a_namespace_with_special_characters_is_compared_as_text() -> None:
    reader = CallReader(METHODS, "a.b|c\xa9")
    assert read_both(reader, messages.call(messages.new_id(), "add", [1, 2], "a.b|c\xa9"))
    assert reader.read(messages.call(messages.new_id(), "add", [1, 2], "axb|c\xa9")) is None


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
        payload = bytearray(messages.call(messages.new_id(), "add", rng.choice(ARGS), "default"))
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


@pytest.mark.parametrize("message_id", ["0" * 36, "short", "ü" * 18, "\ud800" * 12])
@pytest.mark.parametrize("result", RESULTS, ids=lambda value: repr(value)[:30])
def test_a_response_has_the_same_bytes_as_by_the_general_writer(
    monkeypatch: pytest.MonkeyPatch, result: Any, message_id: str
) -> None:
    monkeypatch.setattr("multifrost._messages.time.time", lambda: 1.25)
    written = messages.response(message_id, result)
    try:
        expected = messages.write("response", message_id, result=to_wire(result))
    except Exception:
        assert msgpack.unpackb(written)["type"] == "error"
    else:
        assert written == expected
