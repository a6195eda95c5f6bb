"""What becomes of each Python value on the wire: sent by a rule, or refused with what to send instead."""

from __future__ import annotations

import collections
import decimal
import enum
import fractions
import io
import ipaddress
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import types
import typing
import uuid
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone, tzinfo
from datetime import time as time_of_day
from typing import Any

import attrs
import msgpack
import pandas
import pydantic
import pydantic.v1
import pytest

from multifrost import SerializationError
from multifrost._codec import decode, encode
from multifrost._messages import Messages
from multifrost._values import plain_key, to_wire
from multifrost.errors import MalformedMessageError

UTC = timezone.utc
INDIA = timezone(timedelta(hours=5, minutes=30))


@dataclass
class Point:
    x: float
    near: list[Point] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Slotted:
    x: int = 1


@dataclass
class Unset:
    x: int = field(init=False)


@attrs.define
class Attrs:
    x: int
    when: date


class Plain:
    def __init__(self) -> None:
        self.x = 1


class Pair(typing.NamedTuple):
    a: int
    b: int


class Typed(typing.TypedDict):
    a: int


class Color(enum.Enum):
    RED = "red"
    PAIR = (1, 2.5)
    NOTHING = object()


class Level(enum.IntEnum):
    LOW = 1


class Name(str, enum.Enum):
    A = "a"


class Bits(enum.Flag):
    A = 1
    B = 2


class IntBits(enum.IntFlag):
    A = 1
    B = 2


class Model(pydantic.BaseModel):
    id: uuid.UUID
    color: Color = Color.RED


class Root(pydantic.RootModel[list[int]]):
    pass


class OldModel(pydantic.v1.BaseModel):
    x: int
    when: date


class Secret(pydantic.BaseModel):
    key: pydantic.SecretStr


class OwnSequence(Sequence[int]):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: Any) -> Any:
        if index > 1:
            raise IndexError
        return index


class OwnMapping(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter("ab")

    def __len__(self) -> int:
        return 2


class Text(str):
    def __str__(self) -> str:
        return "another"


class Whole(int):
    pass


class Time(datetime):
    pass


ONE = uuid.UUID(int=1)
ONE_TEXT = "00000000-0000-0000-0000-000000000001"

SENT: list[tuple[Any, Any]] = [
    (bytearray(b"ab"), b"ab"),
    (memoryview(b"abcd")[::2], b"ac"),
    (memoryview(array("H", [1, 2])), array("H", [1, 2]).tobytes()),
    (array("H", [1, 2]), array("H", [1, 2]).tobytes()),
    (array("d"), b""),
    ((1, {2}, frozenset([3])), [1, [2], [3]]),
    (Pair(1, 2), [1, 2]),
    (time.gmtime(0), [1970, 1, 1, 0, 0, 0, 3, 1, 0]),
    (collections.deque([1, (2,)], maxlen=3), [1, [2]]),
    (range(3), [0, 1, 2]),
    (range(5, 0, -2), [5, 3, 1]),
    ({"a": 1}.keys(), ["a"]),
    ({"a": 1}.values(), [1]),
    ({"a": 1}.items(), [["a", 1]]),
    (collections.UserList([1]), [1]),
    (OwnSequence(), [0, 1]),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (collections.ChainMap({"a": 1}, {"a": 2, "b": 3}), {"a": 1, "b": 3}),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (collections.UserDict(a=1), {"a": 1}),
    (OwnMapping(), {"a": 1, "b": 1}),
    (Typed(a=1), {"a": 1}),
    (collections.UserString("a"), "a"),
    (Text("own"), "own"),
    (Whole(4), 4),
    (date(2024, 1, 2), "2024-01-02"),
    (date.min, "0001-01-01"),
    (time_of_day(1, 2), "01:02:00"),
    (time_of_day(1, 2, 3, 4, tzinfo=INDIA), "01:02:03.000004+05:30"),
    (ONE, ONE_TEXT),
    (decimal.Decimal("1.10"), "1.10"),
    (decimal.Decimal("NaN"), "NaN"),
    (pathlib.Path("/a/b"), "/a/b"),
    (pathlib.PureWindowsPath("c:/a"), "c:\\a"),
    (Color.RED, "red"),
    (Color.PAIR, [1, 2.5]),
    (Level.LOW, 1),
    (Name.A, "a"),
    (Bits.A | Bits.B, 3),
    (IntBits.A | IntBits.B, 3),
    (Point(1, [Point(2)]), {"x": 1, "near": [{"x": 2, "near": []}]}),
    (Slotted(), {"x": 1}),
    (Attrs(1, date(2024, 1, 2)), {"x": 1, "when": "2024-01-02"}),
    (Model(id=ONE), {"id": ONE_TEXT, "color": "red"}),
    (Root([1, 2]), [1, 2]),
    (OldModel(x=1, when=date(2024, 1, 2)), {"x": 1, "when": "2024-01-02"}),
    (ValueError("as a value"), {"name": "ValueError", "message": "as a value"}),
    (KeyError(), {"name": "KeyError", "message": ""}),
    (float("-inf"), None),
    ({"a": (float("nan"), [float("inf")], collections.deque([float("nan")]))}, {"a": [None, [None], [None]]}),
    (pandas.NaT, None),
    (-0.0, -0.0),
    (1e300, 1e300),
]


@pytest.mark.parametrize(("value", "sent"), SENT, ids=lambda value: repr(value)[:40])
def test_a_value_is_sent_by_its_rule(value: Any, sent: Any) -> None:
    wire = to_wire(value)
    assert wire == sent and type(wire) is type(sent)
    assert decode(encode({"v": wire}))["v"] == sent
    assert to_wire([{"a": value}]) == [{"a": sent}]


def generator() -> Iterator[int]:
    yield 1


async def asynchronous() -> Any:
    yield 1


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


SELF_CONTAINED: dict[str, Any] = {}
SELF_CONTAINED["again"] = SELF_CONTAINED

REFUSED: list[tuple[Any, str]] = [
    (timedelta(seconds=5), "timedelta cannot be sent; send value.total_seconds()"),
    (2 + 3j, "complex cannot be sent; send [value.real, value.imag]"),
    (fractions.Fraction(1, 2), "Fraction cannot be sent; send str(value), or float(value)"),
    (2**64, "an integer outside of -2^63..2^64-1 cannot be sent; send it as text: str(value)"),
    (-(2**63) - 1, "an integer outside of -2^63..2^64-1 cannot be sent; send it as text: str(value)"),
    (Whole(2**64), "an integer outside of -2^63..2^64-1 cannot be sent; send it as text: str(value)"),
    (generator(), "generator cannot be sent; send list(value)"),
    (map(str, [1]), "map cannot be sent; send list(value)"),
    (zip([1], [2], strict=True), "zip cannot be sent; send list(value)"),
    (iter([1]), "list_iterator cannot be sent; send list(value)"),
    (asynchronous(), "async_generator cannot be sent; send a list of its items: [item async for item in value]"),
    (print, "builtin_function_or_method cannot be sent; functions stay in their process: send what it returns"),
    (nested, "function cannot be sent; functions stay in their process: send what it returns"),
    (lambda: 1, "function cannot be sent; functions stay in their process: send what it returns"),
    (Plain().__init__, "method cannot be sent; functions stay in their process: send what it returns"),  # type: ignore[misc]
    (Point, "the class Point cannot be sent; send its name, or an object of it"),
    (Color, "the class Color cannot be sent; send its name, or an object of it"),
    (Model, "the class Model cannot be sent; send its name, or an object of it"),
    (os, "the module os cannot be sent; send its name"),
    (Plain(), "Plain cannot be sent; send vars(value), or make its class a dataclass"),
    (types.SimpleNamespace(a=1), "SimpleNamespace cannot be sent; send vars(value), or make its class a dataclass"),
    (io.BytesIO(b"a"), "BytesIO cannot be sent; send what value.read() returns"),
    (sys.__stdout__, "TextIOWrapper cannot be sent; send what value.read() returns"),
    (threading.Lock(), "lock cannot be sent; send text, numbers, a list or a dict that says what is in it"),
    (object(), "object cannot be sent; send text, numbers, a list or a dict that says what is in it"),
    (..., "ellipsis cannot be sent; send text, numbers, a list or a dict that says what is in it"),
    (NotImplemented, "NotImplementedType cannot be sent; send text, numbers, a list or a dict that says what is in it"),
    (re.compile("a"), "Pattern cannot be sent; send text, numbers, a list or a dict that says what is in it"),
    (ipaddress.ip_address("::1"), "IPv6Address cannot be sent; send text, numbers, a list or a dict that says"),
    (Color.NOTHING, "object cannot be sent; send text, numbers, a list or a dict that says what is in it"),
    (array("u", "ab"), "an array of characters cannot be sent; send value.tounicode()"),
    (memoryview(b"\0" * 8).cast("P"), "a memoryview of the format 'P' cannot be sent; send value.tolist()"),
    (pathlib.Path("/\udcff"), "a path that is not UTF-8 cannot be sent as text; send os.fsencode(value)"),
    (Unset(), "the field 'x' of Unset has no value; give it a default"),
    (Secret(key=pydantic.SecretStr("s")), "SecretStr cannot be sent; send text, numbers, a list or a dict that says"),
    ({1: "a", "1": "b"}, "two keys of the map have the same text, '1'; send keys that differ as text"),
    ({None: 1, "null": 2}, "two keys of the map have the same text, 'null'; send keys that differ as text"),
    ({True: 1, "true": 2}, "two keys of the map have the same text, 'true'; send keys that differ as text"),
    ({ONE: 1, ONE_TEXT: 2}, f"two keys of the map have the same text, '{ONE_TEXT}'; send keys that differ as text"),
    ({b"a": 1, "a": 2}, "two keys of the map have the same text, 'a'; send keys that differ as text"),
    ({(1, 2): 3}, "a map with a key of type tuple cannot be sent; send text in its place, or a list of pairs"),
    ({frozenset(): 3}, "a map with a key of type frozenset cannot be sent; send text in its place, or a list of pairs"),
    ({Slotted(): 3}, "a map with a key of type Slotted cannot be sent; send text in its place, or a list of pairs"),
    ({datetime(2024, 1, 1): 3}, "a map with a key of type datetime cannot be sent; send key.isoformat()"),
    ({b"\xff": 3}, "a map with the key b'\\xff', which is not UTF-8, cannot be sent; send key.hex()"),
    (pandas.DataFrame({"a": [1]}), "DataFrame cannot be sent; send value.to_dict('records')"),
    (pandas.Series([1]), "Series cannot be sent; send value.tolist()"),
    (pandas.Index([1]), "Index cannot be sent; send value.tolist()"),
    (pandas.Timedelta(seconds=5), "Timedelta cannot be sent; send value.total_seconds()"),
    (SELF_CONTAINED, "nested deeper than 100 levels, or contains itself"),
    (nested(101), "nested deeper than 100 levels, or contains itself"),
    (nested(100_000), "nested deeper than 100 levels, or contains itself"),
    (range(10**7), "10000000 items are more than the 1000000 of an array (limits.array_items)"),
    (range(2**70), f"{sys.maxsize - 1} items are more than the 1000000 of an array (limits.array_items)"),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED, ids=lambda value: str(type(value).__name__))
def test_a_value_is_refused_with_its_path_and_what_to_send_instead(value: Any, reason: str) -> None:
    with pytest.raises(SerializationError) as caught:
        to_wire({"a": [0, value]})
    assert caught.value.code in ("UNSENDABLE_VALUE", "LIMIT_EXCEEDED")
    assert caught.value.path.startswith(".a[1]")
    assert caught.value.reason.startswith(reason)


async def later() -> int:
    return 5


def test_a_coroutine_is_refused() -> None:
    coroutine = later()
    with pytest.raises(SerializationError, match="coroutine cannot be sent; await it, and send the result"):
        to_wire([coroutine])
    coroutine.close()


class Tensor:
    """As a tensor of torch."""

    def tolist(self) -> list[int]:
        return [1]

    def item(self) -> int:
        return 1


class Table:
    """As a DataFrame of polars."""

    def to_dict(self) -> Any: ...
    def to_dicts(self) -> Any: ...


class Row:
    """As a row of sqlite3."""

    def keys(self) -> list[str]:
        return ["a"]

    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[int]:
        return iter([1])


@pytest.mark.parametrize(
    ("value", "instead"), [(Tensor(), "value.tolist()"), (Table(), "value.to_dicts()"), (Row(), "dict(value)")]
)
def test_values_of_other_packages_are_refused_by_what_they_can_do(value: Any, instead: str) -> None:
    with pytest.raises(SerializationError, match=re.escape(f"cannot be sent; send {instead}")):
        to_wire(value)


class RaisingModel:
    def __init__(self, error: BaseException) -> None:
        self._error = error

    def model_dump(self) -> Any:
        raise self._error


class Unreadable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class RaisingMapping(OwnMapping):
    def __getitem__(self, key: str) -> int:
        raise KeyError(key)


class RaisingZone(tzinfo):
    def utcoffset(self, _: datetime | None) -> timedelta:
        raise RuntimeError("no offset")

    def dst(self, _: datetime | None) -> None: ...
    def tzname(self, _: datetime | None) -> None: ...


class Endless:
    def model_dump(self) -> Any:
        return self


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (RaisingModel(RuntimeError("no")), "RuntimeError('no')"),
        (Unreadable(), "RuntimeError('no text')"),
        (RaisingMapping(), "KeyError('a')"),
        (datetime(2024, 1, 1, tzinfo=RaisingZone()), "RuntimeError('no offset')"),
        (Endless(), "RecursionError("),
    ],
)
def test_a_value_whose_code_raises_is_refused_with_its_path(value: Any, error: str) -> None:
    with pytest.raises(SerializationError) as caught:
        to_wire({"a": [value]})
    assert caught.value.path == ".a[0]" and caught.value.reason.startswith(f"it cannot be read: {error}")


def test_a_result_cannot_end_the_worker() -> None:
    for error in (SystemExit(3), KeyboardInterrupt()):
        answer = decode(Messages().response(b"0" * 36, [RaisingModel(error)]))
        assert answer["type"] == "error" and answer["metadata"]["error"]["name"] == type(error).__name__


class EndlessSequence(OwnSequence):
    def __getitem__(self, index: Any) -> Any:
        return index


class ShortMapping(OwnMapping):
    def __len__(self) -> int:
        return 3


@pytest.mark.parametrize(("value", "count"), [(EndlessSequence(), 2), (ShortMapping(), 3)])
def test_a_value_that_has_another_number_of_items_than_its_length_says_is_refused(value: Any, count: int) -> None:
    with pytest.raises(SerializationError, match=f"it has not the {count} items that its length says; send a list"):
        to_wire([value])


def test_a_value_that_is_gone_is_refused() -> None:
    view = memoryview(b"a")
    view.release()
    with pytest.raises(SerializationError, match="it cannot be read: ValueError"):
        to_wire({"a": view})
    with pytest.raises(SerializationError, match="it cannot be read: ValueError"):
        to_wire({10**5000: 1})


@pytest.mark.parametrize("value", [msgpack.Timestamp(2**70), {"a": msgpack.Timestamp(-(2**70))}])
def test_a_timestamp_that_has_no_form_is_refused(value: Any) -> None:
    with pytest.raises(SerializationError, match="args: it cannot be read: "):
        Messages().call("id", "f", [value], "default")
    assert decode(Messages().response(b"0" * 36, value))["type"] == "error"


KEYS: list[tuple[Any, str]] = [
    ("a", "a"),
    (1, "1"),
    (-5, "-5"),
    (2**70, str(2**70)),
    (2.0, "2"),
    (-0.0, "0"),
    (2.5, "2.5"),
    (1e21, "1e+21"),
    (0.0001, "0.0001"),
    (1.25e-5, "0.0000125"),
    (1e-6, "0.000001"),
    (-1.5e-7, "-1.5e-7"),
    (1e-10, "1e-10"),
    (float("nan"), "NaN"),
    (float("-inf"), "-Infinity"),
    (True, "true"),
    (None, "null"),
    (b"a", "a"),
    (Text("own"), "own"),
    (Whole(4), "4"),
    (Color.RED, "red"),
    (Level.LOW, "1"),
    (Name.A, "a"),
    (IntBits.A, "1"),
    (date(2024, 1, 2), "2024-01-02"),
    (time_of_day(1), "01:00:00"),
    (ONE, ONE_TEXT),
    (decimal.Decimal("1.10"), "1.10"),
    (pathlib.Path("/a"), "/a"),
]


@pytest.mark.parametrize(("key", "text"), KEYS, ids=lambda value: repr(value)[:30])
def test_a_key_becomes_text(key: Any, text: str) -> None:
    assert to_wire({key: 0}) == {text: 0}
    assert decode(encode({"v": to_wire({key: 0})}))["v"] == {text: 0}


def test_keys_that_are_numbers_are_read_as_they_are_written() -> None:
    for key in (1, 2.5, 1e-7, 1e21, True, None, float("inf")):
        assert decode(msgpack.packb({"v": {key: 0}}))["v"] == {plain_key(key): 0}


def test_keys_that_differ_only_in_lone_surrogates_are_refused() -> None:
    with pytest.raises(SerializationError, match="differ only in characters without a UTF-8 form"):
        Messages().call("id", "f", [dict.fromkeys(("\ud800", "\ud801"), 1)], "default")


TIMES: list[tuple[datetime, Any]] = [
    (datetime(2024, 1, 1, 0, 0, 0, 123456, UTC), datetime(2024, 1, 1, 0, 0, 0, 123456, UTC)),
    (datetime(2024, 1, 1, 5, 30, tzinfo=INDIA), datetime(2024, 1, 1, tzinfo=UTC)),
    (datetime(1969, 12, 31, 23, 59, 59, 500_000, UTC), datetime(1969, 12, 31, 23, 59, 59, 500_000, UTC)),
    (datetime.min, datetime.min.replace(tzinfo=UTC)),
    (datetime.max, datetime.max.replace(tzinfo=UTC)),
    (datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)),
    (datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
    (datetime.min.replace(tzinfo=INDIA), msgpack.Timestamp(-62_135_596_800 - 19_800)),
    (datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), msgpack.Timestamp(253_402_304_399, 999_999_000)),
    (datetime.fromtimestamp(5), datetime.fromtimestamp(5, UTC)),
    (Time(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)),
    (pandas.Timestamp("2024-01-01", tz="UTC"), datetime(2024, 1, 1, tzinfo=UTC)),
    (pandas.Timestamp(5), datetime(1970, 1, 1).astimezone()),
]


@pytest.mark.parametrize(("value", "read"), TIMES, ids=str)
def test_a_time_is_sent_as_a_timestamp(value: datetime, read: Any) -> None:
    assert decode(encode({"v": [to_wire(value)]}))["v"] == [read]


def test_the_nanoseconds_of_a_pandas_timestamp_are_sent() -> None:
    assert to_wire(pandas.Timestamp(5, tz="UTC")) == msgpack.Timestamp(0, 5)
    assert to_wire(pandas.Timestamp(-1, tz="UTC")) == msgpack.Timestamp(-1, 999_999_999)


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        ("UTC", "0001-01-01T01:00:00+00:00", "9999-12-31T00:00:00+00:00"),
        ("XXX-9", "0001-01-01T01:00:00+09:00", "9999-12-31T00:00:00+09:00"),
        ("XXX+5", "0001-01-01T01:00:00-05:00", "9999-12-31T00:00:00-05:00"),
    ],
)
def test_the_first_and_last_local_times_are_sent_in_every_time_zone(zone: str, first: str, last: str) -> None:
    code = (
        "from datetime import datetime, timezone; from multifrost._values import to_wire\n"
        "for one in (datetime.min, datetime.max): assert to_wire(one) == one.replace(tzinfo=timezone.utc)\n"
        "for one in (datetime(1, 1, 1, 1), datetime(9999, 12, 31)): print(to_wire(one).isoformat())\n"
    )
    env = {**os.environ, "TZ": zone}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [first, last]


def test_a_timestamp_in_any_form_is_read_or_refused() -> None:
    head = b"\x81\xa1v"

    def read(data: bytes) -> Any:
        return decode(head + data)["v"]

    assert read(b"\xd6\xff" + b"\xff" * 4) == datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)
    assert read(b"\xd7\xff" + b"\0" * 8) == datetime(1970, 1, 1, tzinfo=UTC)
    assert read(b"\xc7\x0c\xff" + b"\0\0\0\1" + b"\xff" * 8) == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert read(b"\xc7\x0c\xff" + b"\0\0\0\1" + b"\x7f" * 8) == msgpack.Timestamp(0x7F7F7F7F7F7F7F7F, 1)
    for wrong in (b"\xd7\xff" + b"\xff" * 8, b"\xc7\x0c\xff" + b"\xff" * 12, b"\xd4\xff\0", b"\xc7\0\xff"):
        with pytest.raises(MalformedMessageError):
            read(wrong)


def test_packages_are_imported_only_by_the_program() -> None:
    code = (
        "import sys; from multifrost._values import to_wire; to_wire([bytearray(b'a'), range(3), {1: 2}])\n"
        "packages = {'numpy', 'pandas', 'pydantic', 'attrs', 'attr', 'torch', 'decimal', 'uuid', 'fractions'}\n"
        "print(packages.intersection(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
