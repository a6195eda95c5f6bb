"""What becomes of numpy's values on the wire."""

from __future__ import annotations

import struct
from datetime import datetime, timezone
from typing import Any

import msgpack
import numpy
import pytest

from multifrost import SerializationError
from multifrost._codec import decode, encode
from multifrost._values import to_wire

GRID = numpy.arange(6, dtype="<i2").reshape(2, 3)
GRID_BYTES = struct.pack("<6h", *range(6))

SENT: list[tuple[Any, Any]] = [
    (numpy.int64(-(2**63)), -(2**63)),
    (numpy.uint64(2**64 - 1), 2**64 - 1),
    (numpy.int8(-1), -1),
    (numpy.bool_(True), True),
    (numpy.float32(0.1), float(numpy.float32(0.1))),
    (numpy.float16(1.5), 1.5),
    (numpy.float64(0.1), 0.1),
    (numpy.float64("nan"), None),
    (numpy.float32("inf"), None),
    (numpy.longdouble(0.25), 0.25),
    (numpy.longdouble("nan"), None),
    (numpy.str_("x"), "x"),
    (numpy.bytes_(b"ab"), b"ab"),
    (numpy.datetime64("NaT", "s"), None),
    (numpy.datetime64("2024-01-02"), "2024-01-02"),
    (numpy.datetime64("2024-01"), "2024-01"),
    (numpy.datetime64("2024-01-02T03", "h"), msgpack.Timestamp(1_704_164_400)),
    (numpy.datetime64(-1, "ns"), msgpack.Timestamp(-1, 999_999_999)),
    (numpy.datetime64(5, ("s", 25)), msgpack.Timestamp(125)),
    (numpy.datetime64(5_000, "ps"), msgpack.Timestamp(0, 5)),
    (numpy.array(3.0), 3.0),
    (numpy.array(True), True),
    (numpy.array(float("nan")), None),
    (numpy.array([]), b""),
    (numpy.array([True, False]), b"\1\0"),
    (numpy.array([numpy.nan]), struct.pack("<d", numpy.nan)),
    (numpy.array([1j]), struct.pack("<dd", 0, 1)),
    (numpy.array([1.5], numpy.float16), struct.pack("<e", 1.5)),
    (GRID, GRID_BYTES),
    (numpy.asfortranarray(GRID), GRID_BYTES),
    (GRID.T, struct.pack("<6h", 0, 3, 1, 4, 2, 5)),
    (GRID[:, ::2], struct.pack("<4h", 0, 2, 3, 5)),
    (GRID[::-1], struct.pack("<6h", 3, 4, 5, 0, 1, 2)),
    (numpy.broadcast_to(numpy.uint8(7), (2, 2)), b"\7" * 4),
    ([numpy.float64(1), numpy.int32(2)], [1.0, 2]),
    ({numpy.int64(3): 1, numpy.bool_(True): 2, numpy.float32(0.5): 3}, {"3": 1, "true": 2, "0.5": 3}),
    ({numpy.str_("a"): 1}, {"a": 1}),
]


@pytest.mark.parametrize(("value", "sent"), SENT, ids=lambda value: repr(value)[:40])
def test_a_value_of_numpy_is_sent_by_its_rule(value: Any, sent: Any) -> None:
    wire = to_wire(value)
    assert wire == sent and type(wire) is type(sent)
    encode({"v": wire})


def test_a_time_of_numpy_is_read_as_utc() -> None:
    time = to_wire(numpy.datetime64("2024-01-02T03:04:05.678901"))
    assert decode(encode({"v": time}))["v"] == datetime(2024, 1, 2, 3, 4, 5, 678_901, timezone.utc)


class Unit(numpy.ndarray[Any, Any]):
    """An array with something that its bytes do not have."""


RECORDS = numpy.zeros(2, dtype=[("a", "i4")])
MASKED = numpy.ma.array([1, 2], mask=[False, True])

REFUSED: list[tuple[Any, str]] = [
    (MASKED, "a masked array cannot be sent; send value.filled(...) or value.tolist()"),
    (numpy.ma.masked, "a masked array cannot be sent; send value.filled(...) or value.tolist()"),
    (numpy.arange(4, dtype=">i4"), "a big-endian array cannot be sent; send value.astype('<i4')"),
    (numpy.arange(4, dtype=">f8")[::2], "a big-endian array cannot be sent; send value.astype('<f8')"),
    (numpy.array(["a", "bc"]), "a numpy array of the dtype '<U2' cannot be sent; send value.tolist()"),
    (numpy.array([b"a"]), "a numpy array of the dtype '|S1' cannot be sent; send value.tolist()"),
    (numpy.array([None]), "a numpy array of objects cannot be sent; send value.tolist()"),
    (numpy.array(None), "a numpy array of objects cannot be sent; send value.tolist()"),
    (RECORDS, "a numpy array of the dtype '[('a', '<i4')]' cannot be sent; send value.tolist()"),
    (RECORDS[0], "a record of numpy cannot be sent; send value.item() or a dict"),
    (RECORDS.view(numpy.recarray), "an array of the class recarray cannot be sent; send numpy.asarray(value)"),
    (numpy.zeros(1, "V4"), "a numpy array of the dtype '|V4' cannot be sent; send value.tolist()"),
    (
        numpy.array(["2024-01-01"], "datetime64[D]"),
        "a numpy array of the dtype 'datetime64[D]' cannot be sent; send value.astype('int64') and its unit",
    ),
    (
        numpy.array([1], "timedelta64[s]"),
        "a numpy array of the dtype 'timedelta64[s]' cannot be sent; send value.astype('int64') and its unit",
    ),
    (
        numpy.zeros(2, numpy.longdouble),
        f"a numpy array of the dtype '{numpy.dtype(numpy.longdouble)}' cannot be sent; send value.astype('float64')",
    ),
    (
        numpy.array(["a"], numpy.dtypes.StringDType()),
        "a numpy array of the dtype 'StringDType()' cannot be sent; send value.tolist()",
    ),
    (numpy.zeros(1).view(Unit), "an array of the class Unit cannot be sent; send numpy.asarray(value)"),
    (numpy.complex128(1j), "complex cannot be sent; send [value.real, value.imag]"),
    (numpy.timedelta64(1, "s"), "timedelta64 cannot be sent; send value / numpy.timedelta64(1, 's') for seconds"),
    (
        numpy.datetime64(5, "ps"),
        "a datetime64 with parts of nanoseconds cannot be sent; send value.astype('datetime64[ns]')",
    ),
    (numpy.datetime64(2**62, "h"), "a datetime64 so far from 1970 cannot be sent; send str(value)"),
    (
        numpy.longdouble(1) + numpy.finfo(numpy.longdouble).eps,
        "a longdouble that is no float cannot be sent; send float(value) or str(value)",
    ),
    (
        numpy.broadcast_to(numpy.float64(1), (2**40,)),
        f"{2**43} bytes are more than the 67108864 of binary data (limits.binary_bytes)",
    ),
    (
        {numpy.datetime64("2024-01-02"): 1},
        "a map with a key of type datetime64 cannot be sent; send text in its place, or a list of pairs",
    ),
    ({numpy.int64(1): 1, "1": 2}, "two keys of the map have the same text, '1'; send keys that differ as text"),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED, ids=lambda value: repr(value)[:40])
def test_a_value_of_numpy_is_refused_with_its_path_and_what_to_send_instead(value: Any, reason: str) -> None:
    with pytest.raises(SerializationError) as caught:
        to_wire({"a": [value]})
    assert caught.value.path.startswith(".a[0]") and caught.value.reason == reason
