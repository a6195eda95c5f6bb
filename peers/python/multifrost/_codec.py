"""Encodes and decodes payloads, and enforces the protocol's limits. `_values` converts Python values beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgpack

from ._values import MAX_BYTES, MAX_DEPTH, MAX_ITEMS, plain_key
from ._zmtp.reader import Payload
from .errors import MalformedMessageError, SerializationError

MAX_VALUES = 4_000_000
"""Most values in one message, keys included. A payload of fewer bytes cannot hold more and is not counted."""

MAX_OBJECTS = 1_000_000
"""Most arrays, maps and extensions in one message: each takes 60 to 250 bytes in memory, but may take one byte in the
message. A payload of fewer bytes cannot hold more and is not counted."""

SMALL_CALL = 512
"""The values in the arrays and maps of a call of at most this size are not counted, in bytes."""

OBJECT_BYTES = 128
"""What an array, a map or an extension takes in memory besides its items, estimated, in bytes."""

VALUE_BYTES = 16
"""What a value takes in memory besides its bytes in the message, estimated, in bytes."""

MAX_REUSED = 64 * 1024
"""A packer that wrote more than this is not used again, since it keeps its buffer, in bytes."""

_TIMESTAMP_AS_DATETIME, _TIMESTAMP_UNCHANGED = 3, 0

_packers: list[Any] = []

_FLAT = frozenset({type(None), bool, int, float, str, bytes})
"""Types without items."""

_CONTAINERS = frozenset({list, dict})
_unpackb = msgpack.unpackb


def encode(message: dict[str, Any]) -> bytes:
    """Encodes a message whose values are already converted by `to_wire`.

    Raises:
        SerializationError: ``MESSAGE_TOO_LARGE``.
    """
    # Making a packer takes as long as packing a small message. A packer that is in use is not in the list, so that
    # threads, and finalizers that print in the middle of packing, do not get the same one.
    try:
        packer = _packers.pop()
    except IndexError:
        packer = msgpack.Packer(datetime=True)
    try:
        payload: bytes = packer.pack(message)
    except UnicodeEncodeError:
        payload = msgpack.packb(_without_surrogates(message), datetime=True)
    else:
        if len(payload) <= MAX_REUSED:
            _packers.append(packer)
    if len(payload) > MAX_BYTES:
        reason = f"{len(payload)} bytes are more than the {MAX_BYTES} of one message"
        raise SerializationError("MESSAGE_TOO_LARGE", reason)
    return payload


def _without_surrogates(value: Any) -> Any:
    """Replaces each unpaired surrogate, which has no UTF-8 form, with U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def decode(payload: Payload) -> dict[str, Any]:
    """Decodes a payload that is a map with text keys.

    Invalid UTF-8 becomes U+FFFD. A timestamp outside of datetime's range stays a ``msgpack.Timestamp``.

    Raises:
        MalformedMessageError: ``MALFORMED_MESSAGE`` or ``LIMIT_EXCEEDED``, for any other input.
    """
    try:
        if len(payload) > MAX_BYTES:
            raise _limit(f"{len(payload)} bytes are more than the {MAX_BYTES} of one message")
        value = _unpack(payload)
        if type(value) is not dict:
            raise MalformedMessageError("MALFORMED_MESSAGE", f"it is of type {type(value).__name__}, not a map")
        for name, field in value.items():
            if type(name) is not str:
                raise _wrong_key(name)
            if type(field) in _CONTAINERS:
                _check(name, field)
    except Exception as error:  # hostile bytes may cause any error, MemoryError and OverflowError included
        raise _fault(payload, error) from error
    return value


def decode_args(data: bytes) -> list[Any]:
    """Decodes the arguments of a small call.

    Raises:
        Exception: `decode` would refuse them, or read them in another way than usual.
    """
    args: list[Any] = _unpackb(
        data,
        timestamp=_TIMESTAMP_AS_DATETIME,
        unicode_errors="replace",
        ext_hook=_read_ext,
        strict_map_key=True,
        object_hook=_with_checked_keys,
    )
    if len(data) > MAX_DEPTH:  # each level takes a byte
        _check_depth(args, "args")
    return args


def encode_text(text: str) -> bytes:
    """Encodes text alone."""
    return bytes(msgpack.packb(text))


encode_scalar: Callable[[Any], bytes] = msgpack.Packer().pack
"""Encodes None or a small value of exactly the type bool, int, float, str or bytes. All threads may use the same packer
for them: packing them runs no Python code, so nothing gets in between.

Raises:
    Exception: There is no form for it, such as for 2**64.
"""


def _unpack(payload: Payload) -> Any:
    try:
        if len(payload) <= MAX_ITEMS:  # by default an array or map has at most as many items as the payload has bytes
            return _unpackb(
                payload,
                timestamp=_TIMESTAMP_AS_DATETIME,
                unicode_errors="replace",
                ext_hook=_read_ext,
                strict_map_key=True,
            )
        return _unpack_as(payload, _TIMESTAMP_AS_DATETIME, strict_map_key=True)
    except (OverflowError, ValueError) as error:
        if isinstance(error, msgpack.exceptions.UnpackException):
            raise
        # A date outside of the years 1 to 9999, or a key that is not text. Both are rare.
        return _with_datetimes(
            _unpack_as(payload, _TIMESTAMP_UNCHANGED, strict_map_key=False, object_pairs_hook=_with_text_keys)
        )


def _unpack_as(payload: Payload, timestamp: int, **options: Any) -> Any:
    # msgpack reserves memory for an announced length before it reads the items: allow no more items than bytes.
    most = min(len(payload), MAX_ITEMS)
    if len(payload) > MAX_OBJECTS:
        options.update(_counting_hooks(options.get("object_pairs_hook", dict)))
    options.setdefault("ext_hook", _read_ext)
    return msgpack.unpackb(
        payload,
        timestamp=timestamp,
        unicode_errors="replace",
        max_array_len=most,
        max_map_len=most,
        **options,
    )


def _counting_hooks(make_map: Any) -> dict[str, Any]:
    values_left, objects_left = MAX_VALUES, MAX_OBJECTS

    def take(values: int) -> None:
        nonlocal values_left, objects_left
        values_left -= values
        objects_left -= 1
        if values_left < 0:
            raise _limit(f"there are more than {MAX_VALUES} values in it; send less in one message")
        if objects_left < 0:
            raise _limit(f"there are more than {MAX_OBJECTS} arrays and maps in it; send less in one message")

    def count_list(items: list[Any]) -> list[Any]:
        take(len(items))
        return items

    def count_map(pairs: list[tuple[Any, Any]]) -> Any:
        take(2 * len(pairs))
        return make_map(pairs)

    def count_ext(code: int, data: bytes) -> Any:
        take(0)
        return _read_ext(code, data)

    return {"list_hook": count_list, "object_pairs_hook": count_map, "ext_hook": count_ext}


def memory_of_call(args: list[Any], size: int) -> int:
    """Returns what a call with these decoded arguments takes in memory, estimated, in bytes.

    Args:
        size: The bytes of its message.
    """
    if _FLAT.issuperset(map(type, args)):
        return size + VALUE_BYTES * len(args)
    if size <= SMALL_CALL:
        return size * 16  # counting takes longer
    total = size
    level = args
    while level:
        total += VALUE_BYTES * len(level)
        containers = [item for item in level if type(item) in _CONTAINERS]
        total += OBJECT_BYTES * len(containers)
        level = [item for container in containers for item in _values_of(container)]
    return total


def _values_of(container: Any) -> Any:
    return container.values() if type(container) is dict else container


def _with_text_keys(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    return {(key if isinstance(key, str) else plain_key(key) or key): item for key, item in pairs}


def _read_ext(code: int, data: bytes) -> Any:
    if code == 0 and data == b"\0":
        return None  # how older JavaScript peers send undefined
    # ExtType's constructor refuses the reserved negative types, although msgpack reads and writes them.
    return tuple.__new__(msgpack.ExtType, (code, data))


def _with_datetimes(value: Any) -> Any:
    if isinstance(value, msgpack.Timestamp):
        try:
            return value.to_datetime()
        except (OverflowError, ValueError):
            return value
    if isinstance(value, list):
        return [_with_datetimes(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_datetimes(item) for key, item in value.items()}
    return value


def _check(name: str, field: Any) -> None:
    """Raises if an array or map nests too deep or a key is not text."""
    if type(field) is list and name == "args":
        if not _FLAT.issuperset(map(type, field)):
            _check_depth(field, name)  # the array of arguments is not a level of its items
    else:
        _check_depth([field], name)


def _check_depth(level: list[Any], name: str) -> None:
    for _ in range(MAX_DEPTH + 1):
        containers = [item for item in level if type(item) is list or type(item) is dict]
        if not containers:
            return
        level = list(_items_of(containers))
    raise _limit(f"'{name}' nests deeper than {MAX_DEPTH} levels")


def _items_of(containers: list[Any]) -> Iterator[Any]:
    for container in containers:
        if type(container) is dict:
            _check_keys(container)
            yield from container.values()
        else:
            yield from container


def _with_checked_keys(items: dict[Any, Any]) -> dict[Any, Any]:
    _check_keys(items)
    return items


def _check_keys(items: dict[Any, Any]) -> None:
    for key in items:
        if type(key) is not str:
            raise _wrong_key(key)


def _wrong_key(key: Any) -> MalformedMessageError:
    return MalformedMessageError("MALFORMED_MESSAGE", f"a map has a key of type {type(key).__name__}")


def _limit(reason: str) -> MalformedMessageError:
    return MalformedMessageError("LIMIT_EXCEEDED", reason)


def _fault(payload: Payload, error: Exception) -> MalformedMessageError:
    code = error.code if isinstance(error, MalformedMessageError) else "MALFORMED_MESSAGE"
    reason = str(error) if isinstance(error, MalformedMessageError) else f"it cannot be decoded: {error!r}"
    head = _head(payload)
    return MalformedMessageError(code, reason, head.get("id"), head.get("type"))


def _head(payload: Payload) -> dict[str, str]:
    """Reads ``id`` and ``type`` of a malformed payload, if they come before the fault."""
    found: dict[str, str] = {}
    most = min(len(payload), MAX_ITEMS)
    try:
        unpacker = msgpack.Unpacker(
            max_buffer_size=len(payload), max_array_len=most, max_map_len=most, strict_map_key=False, raw=True
        )
        unpacker.feed(payload)
        for _ in range(min(unpacker.read_map_header(), 64)):
            if len(found) == 2:
                break  # what follows may be large
            key, value = unpacker.unpack(), unpacker.unpack()
            if key in (b"id", b"type") and isinstance(value, bytes):
                found[key.decode()] = value.decode("utf-8", "replace")
    except Exception:
        pass  # reached the fault
    return found
