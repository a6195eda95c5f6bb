"""Values, their limits, and malformed messages."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import datetime, timezone
from typing import Any

import msgpack
import pytest
from conftest import Bench, RawParent, until

from multifrost._codec import decode, encode, memory_of_call
from multifrost.errors import MalformedMessageError

MIB = 1024 * 1024


@pytest.mark.parametrize(
    "value",
    [
        *[None, True, 0, -1, 2**53, 2**63 - 1, -(2**63), 2**64 - 1, 0.1, -0.0, 1e308, "", "äöü ☃ 😀", "\0"],
        *[[], {}, [1, [2, [3]]], {"__proto__": {"a": 1}, "": None}],
        datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc),
        datetime(1901, 1, 1, tzinfo=timezone.utc),
    ],
)
def test_values_come_back_unchanged(math: RawParent, value: Any) -> None:
    result = math.call("echo", value)
    assert result == value and type(result) is type(value)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 129, MIB, 32 * MIB])
def test_binary_data_comes_back_unchanged(math: RawParent, length: int) -> None:
    data = os.urandom(length)
    assert math.call("echo", data) == data


def test_results_are_converted_to_wire_types(edge: RawParent) -> None:
    assert edge.call("give", "nan") == [None, None, 1.5]
    assert edge.call("give", "set") == [7]
    assert edge.call("give", "keys") == {"1": "c", "null": "b", "d": "d"}
    assert edge.call("give", "naive") == datetime.fromtimestamp(0, timezone.utc)
    assert edge.call("give", "utc") == datetime(2026, 2, 3, 4, 5, 6, 789000, timezone.utc)
    assert edge.call("give", "surrogate") == "a\ufffdb"
    assert edge.call("give", "error") == {"name": "ValueError", "message": "as a value"}


@pytest.mark.parametrize(
    ("what", "code", "message"),
    [
        ("function", "UNSENDABLE_VALUE", "result.cb[0]: builtin_function_or_method cannot be sent; functions stay in"),
        ("huge", "UNSENDABLE_VALUE", "result: an integer outside of -2^63..2^64-1 cannot be sent; send it as text"),
        ("cycle", "LIMIT_EXCEEDED", f"result{'[0]' * 100}: nested deeper than 100 levels, or contains itself"),
        ("deep", "LIMIT_EXCEEDED", f"result{'[0]' * 100}: nested deeper than 100 levels, or contains itself"),
        ("too long", "MESSAGE_TOO_LARGE", "result: 67108970 bytes are more than the 67108864 of one message"),
    ],
)
def test_an_unsendable_result_is_answered_with_an_error(edge: RawParent, what: str, code: str, message: str) -> None:
    detail = edge.ask("give", what)["metadata"]["error"]
    assert (detail["name"], detail["code"]) == ("SerializationError", code)
    assert detail["message"].startswith(message)


def test_numpy_is_imported_only_if_the_program_imports_it() -> None:
    code = (
        "import sys; from multifrost._values import to_wire; to_wire(bytearray(b'a')); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_message_with_too_many_values_is_refused() -> None:
    most = [[None] * 999_999] * 4
    assert decode(encode({"v": most[:3]}))["v"] == most[:3]
    for too_many in ([*most, [None] * 40], [{str(n): None for n in range(700_000)}] * 3):
        with pytest.raises(MalformedMessageError, match="more than 4000000 values"):
            decode(encode({"v": too_many}))


@pytest.mark.parametrize("item", [b"\x80", b"\x90", b"\xd4\x05\0"])
def test_a_message_with_too_many_maps_arrays_or_extensions_is_refused(item: bytes) -> None:
    million = b"\xdd" + (1_000_000).to_bytes(4, "big") + item * 1_000_000
    with pytest.raises(MalformedMessageError, match="more than 1000000 arrays and maps in it; send less"):
        decode(b"\x81\xa1v\x92" + million * 2)


def test_the_memory_of_a_call_is_estimated() -> None:
    assert memory_of_call([1, "text"], 100) < 200
    assert memory_of_call([[{} for _ in range(1000)]], 1100) > 1000 * 100
    assert memory_of_call([[[[]]]], 100) > 1000


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_value_nested_deeper_than_100_levels_is_refused(math: RawParent) -> None:
    assert math.call("echo", nested(100)) == nested(100)
    assert math.ask("echo", nested(101))["metadata"]["error"]["code"] == "LIMIT_EXCEEDED"


def test_the_undefined_of_older_javascript_becomes_none(math: RawParent) -> None:
    assert math.call("echo", msgpack.ExtType(0, b"\0")) is None
    assert math.call("echo", msgpack.ExtType(5, b"ab")) == msgpack.ExtType(5, b"ab")


def test_a_date_outside_of_pythons_range_comes_back_unchanged(math: RawParent) -> None:
    message_id = math.send("call", function="echo", args=[msgpack.Timestamp(8_640_000_000_000, 0)])
    while math.socket.poll(15_000):
        answer = msgpack.unpackb(math.socket.recv_multipart()[1], timestamp=0)
        if answer["id"] == message_id:
            assert answer["result"] == msgpack.Timestamp(8_640_000_000_000, 0)
            return
    pytest.fail("no answer")


def test_invalid_utf8_becomes_the_replacement_character(math: RawParent) -> None:
    call = {"app": "comlink_ipc_v3", "id": "utf8", "type": "call", "function": "echo", "args": ["a#b"]}
    math.send_raw(b"", msgpack.packb(call).replace(b"a#b", b"a\xffb"))
    assert math.answer("utf8")["result"] == "a\ufffdb"


def test_garbage_does_not_end_the_worker_and_is_answered_only_if_it_has_an_id(math: RawParent) -> None:
    rng = random.Random(1)
    whole = msgpack.packb({"app": "comlink_ipc_v3", "id": "x", "type": "call", "function": "add", "args": [1, 2]})
    payloads = [rng.randbytes(rng.randrange(200)) for _ in range(2000)]
    payloads += [whole[:end] for end in range(len(whole))]
    payloads += [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x91" * 100_000]
    payloads += [b"\xdd\x00\x0f\x00\x00" * 250_000, whole + b"\0", b"\x81\x90\x01", b"\xc1"]
    messages: list[Any] = [
        *[1, None, [], {}, "text", {"app": "comlink_ipc_v3"}, {"app": "other", "id": "1", "type": "call"}],
        {"app": "comlink_ipc_v3", "type": "call", "function": "add", "args": [1, 2]},
        {"app": "comlink_ipc_v3", "id": 5, "type": "call", "function": "add", "args": [1, 2]},
        {"app": "comlink_ipc_v3", "id": "1", "type": "unheard of"},
        {"app": "comlink_ipc_v3", "id": "1", "type": ["call"]},
        {"app": ["comlink_ipc_v3"], "id": "1", "type": "call"},
        {"app": "comlink_ipc_v3", "id": "1", "type": "response", "result": 1},
    ]
    payloads += map(msgpack.packb, messages)
    for payload in payloads:
        math.send_raw(b"", payload)
    math.send_raw(whole)
    math.send_raw(b"", b"")
    math.send_raw(b"no delimiter", whole)
    assert math.call("add", 1, 2) == 3
    *refused, _ = math.messages
    assert {(message["id"], message["metadata"]["error"]["code"]) for message in refused} == {
        ("x", "MALFORMED_MESSAGE")
    }


def test_frames_after_the_payload_are_ignored(math: RawParent) -> None:
    call = {"app": "comlink_ipc_v3", "id": "more", "type": "call", "function": "add", "args": [1, 2]}
    math.send_raw(b"", msgpack.packb(call), b"more", b"")
    assert math.answer("more")["result"] == 3


def test_a_message_over_the_limit_is_dropped(math: RawParent) -> None:
    math.send_raw(b"", bytes(64 * MIB + 1))
    assert math.call("add", 2, 2) == 4


def test_a_message_over_the_limit_closes_only_the_connection_of_its_sender(bench: Bench) -> None:
    sender, _ = bench.serve("limited")
    other = bench.parent(sender.port)
    assert (sender.call("add", 1, 2), other.call("add", 1, 2)) == (3, 3)
    sender.send_raw(b"", bytes(64 * MIB + 1))
    assert other.call("add", 2, 2) == 4
    # A call that is sent while the connection is being closed is lost.
    until(lambda: sender.send("call", function="add", args=[3, 3]) and sender.socket.poll(200))
    assert sender.receive()["result"] == 6
