"""Encodes and decodes payloads, and enforces the protocol's limits. `_values` converts Python values beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgpack

from ._limits import DEFAULT_LIMITS, Limits
from ._values import plain_key
from ._zmtp.reader import Beginning, Payload
from .errors import MalformedMessageError, SerializationError

SMALL_CALL = 512
"""The values in the arrays and maps of a call of at most this size are not counted, in bytes."""

OBJECT_BYTES = 128
"""What an array, a map or an extension takes in memory besides its items, estimated, in bytes."""

VALUE_BYTES = 16
"""What a value takes in memory besides its bytes in the message, estimated, in bytes."""

ENVELOPE_VALUES = 32
"""Values that belong to the message itself and are not counted: its map, and the names of its fields."""

MAX_REUSED = 64 * 1024
"""A packer that wrote more than this is not used again, since it keeps its buffer, in bytes."""

_TIMESTAMP_AS_DATETIME, _TIMESTAMP_UNCHANGED = 3, 0

_packers: list[Any] = []

_FLAT = frozenset({type(None), bool, int, float, str, bytes})
"""Types without items."""

_unpackb = msgpack.unpackb


class Undefined:
    """An argument that was sent as JavaScript's ``undefined``: it is not given."""


UNDEFINED = Undefined()


class PartialArgs(list[Any]):
    """Arguments of a call of which some are `UNDEFINED`."""


_CONTAINERS = frozenset({list, dict, PartialArgs})


class _HasUndefined(Exception):
    """A message has an ``undefined``, which is rare: it is decoded again, with regard to where that is."""


class Codec:
    """Encodes and decodes the payloads of messages.

    Args:
        limits: What a message may have. Default: the protocol's.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.uncounted_bytes = min(limits[:-1])
        """A payload of at most this many bytes can exceed no limit but that of the depth."""
        self._depth = limits.depth

    def encode(self, message: dict[str, Any]) -> bytes:
        """Encodes a message whose values are already converted by `to_wire`.

        Raises:
            SerializationError: ``MESSAGE_TOO_LARGE``; or ``UNSENDABLE_VALUE``, for keys that are the same as UTF-8.
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
        if len(payload) > self.limits.message_bytes:
            reason = f"{len(payload)} bytes are more than the {self.limits.message_bytes} of one message"
            raise SerializationError("MESSAGE_TOO_LARGE", reason)
        return payload

    def decode(self, payload: Payload) -> dict[str, Any]:
        """Decodes a payload that is a map with text keys.

        Invalid UTF-8 becomes U+FFFD. A timestamp outside of datetime's range stays a ``msgpack.Timestamp``. The
        field `args` is `PartialArgs` where an argument is `UNDEFINED`; anywhere else, that is None.

        Raises:
            MalformedMessageError: ``MALFORMED_MESSAGE`` or ``LIMIT_EXCEEDED``, for any other input.
        """
        try:
            if len(payload) > self.limits.message_bytes:
                raise self._too_large(len(payload))
            value = self._unpack(payload)
            if type(value) is not dict:
                raise MalformedMessageError("MALFORMED_MESSAGE", f"it is of type {type(value).__name__}, not a map")
            for name, field in value.items():
                if type(name) is not str:
                    raise _wrong_key(name)
                if type(field) in _CONTAINERS:
                    self._check(name, field)
        except Exception as error:  # hostile bytes may cause any error, MemoryError and OverflowError included
            fault = self._too_large(payload.message_bytes) if isinstance(payload, Beginning) else error
            raise self._fault(payload, fault) from error
        return value

    def decode_args(self, data: bytes) -> list[Any]:
        """Decodes the arguments of a call of at most `uncounted_bytes`.

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
        if len(data) > self._depth:  # each level takes a byte
            self._check_depth(args, "args")
        return args

    def _unpack(self, payload: Payload) -> Any:
        try:
            # By default an array or map has at most as many items as the payload has bytes.
            if len(payload) <= self.uncounted_bytes:
                return _unpackb(
                    payload,
                    timestamp=_TIMESTAMP_AS_DATETIME,
                    unicode_errors="replace",
                    ext_hook=_read_ext,
                    strict_map_key=True,
                )
            return self._unpack_as(payload, _TIMESTAMP_AS_DATETIME, _read_ext, strict_map_key=True)
        except (OverflowError, ValueError, _HasUndefined) as error:
            if isinstance(error, msgpack.exceptions.UnpackException):
                raise
        # A date outside of the years 1 to 9999, a key that is not text, or an `undefined`. All are rare.
        hooks = {"strict_map_key": False, "object_pairs_hook": _with_text_keys}
        value = self._unpack_as(payload, _TIMESTAMP_UNCHANGED, _read_rare_ext, **hooks)
        args = value.get("args") if type(value) is dict else None
        if type(args) is list and UNDEFINED in args:
            partial = PartialArgs(item if item is UNDEFINED else _finished(item) for item in args)
            return {**_finished({**value, "args": None}), "args": partial}
        return _finished(value)

    def _unpack_as(self, payload: Payload, timestamp: int, read_ext: Any, **options: Any) -> Any:
        # msgpack reserves memory for an announced length before it reads the items: allow no more items than bytes.
        limits = self.limits
        size = len(payload)
        if size > limits.objects or size > limits.values:
            options.update(_counting_hooks(limits, read_ext, options.get("object_pairs_hook", dict)))
        options.setdefault("ext_hook", read_ext)
        try:
            return msgpack.unpackb(
                payload,
                timestamp=timestamp,
                unicode_errors="replace",
                max_array_len=min(size, limits.array_items),
                max_map_len=min(size, limits.map_items),
                max_str_len=min(size, limits.string_bytes),
                max_bin_len=min(size, limits.binary_bytes),
                max_ext_len=min(size, limits.binary_bytes),
                **options,
            )
        except ValueError as error:
            if " exceeds max_" in str(error):
                raise _limit(f"{error}; send less in one value") from error
            raise

    def _check(self, name: str, field: Any) -> None:
        """Raises if an array or map nests too deep or a key is not text."""
        if name == "args" and type(field) is not dict:
            if not _FLAT.issuperset(map(type, field)):
                self._check_depth(field, name)  # the array of arguments is not a level of its items
        else:
            self._check_depth([field], name)

    def _check_depth(self, level: list[Any], name: str) -> None:
        for _ in range(self._depth + 1):
            containers = [item for item in level if type(item) is list or type(item) is dict]
            if not containers:
                return
            level = list(_items_of(containers))
        raise _limit(f"'{name}' nests deeper than {self._depth} levels")

    def _fault(self, payload: Payload, error: Exception) -> MalformedMessageError:
        code = error.code if isinstance(error, MalformedMessageError) else "MALFORMED_MESSAGE"
        reason = str(error) if isinstance(error, MalformedMessageError) else f"it cannot be decoded: {error!r}"
        head = _head(payload)
        return MalformedMessageError(code, reason, head.get("id"), head.get("type"))

    def _too_large(self, size: int) -> MalformedMessageError:
        return _limit(f"{size} bytes are more than the {self.limits.message_bytes} of one message")


_DEFAULT = Codec()
encode, decode = _DEFAULT.encode, _DEFAULT.decode


def encode_text(text: str) -> bytes:
    """Encodes text alone."""
    return bytes(msgpack.packb(text))


encode_scalar: Callable[[Any], bytes] = msgpack.Packer().pack
"""Encodes None or a small value of exactly the type bool, int, float, str or bytes. All threads may use the same packer
for them: packing them runs no Python code, so nothing gets in between.

Raises:
    Exception: There is no form for it, such as for 2**64.
"""


def raw_fields(payload: Payload) -> dict[str, bytes]:
    """Returns the fields of a message that `Codec.decode` has read, each in the bytes that it was sent in."""
    return {key: value for key, _, value in _raw_pairs(payload) if isinstance(key, str)}


def extended_map(packed: bytes, added: dict[str, Any], left_out: frozenset[str] = frozenset()) -> bytes:
    """Adds to an encoded map, or replaces what it has, and leaves its other pairs in the bytes that they have."""
    kept = [head + value for key, head, value in _raw_pairs(packed) if key not in added and key not in left_out]
    packer = msgpack.Packer()
    header: bytes = packer.pack_map_header(len(kept) + len(added))
    return header + b"".join(kept) + b"".join(packer.pack(key) + packer.pack(value) for key, value in added.items())


def _raw_pairs(packed: Payload) -> Iterator[tuple[Any, bytes, bytes]]:
    """Yields the pairs of an encoded map: each key, decoded and in its bytes, and the bytes of the value."""
    most = len(packed)
    unpacker = msgpack.Unpacker(
        max_buffer_size=most, max_array_len=most, max_map_len=most, strict_map_key=False, unicode_errors="replace"
    )
    unpacker.feed(packed)
    data = memoryview(packed)
    for _ in range(unpacker.read_map_header()):
        begin = unpacker.tell()
        key = unpacker.unpack()
        middle = unpacker.tell()
        unpacker.skip()
        yield key, bytes(data[begin:middle]), bytes(data[middle : unpacker.tell()])


def _without_surrogates(value: Any) -> Any:
    """Replaces each unpaired surrogate, which has no UTF-8 form, with U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        replaced = {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        if len(replaced) != len(value):
            text = "a map has two keys that differ only in characters without a UTF-8 form; send other keys"
            raise SerializationError("UNSENDABLE_VALUE", text)
        return replaced
    return value


def _counting_hooks(limits: Limits, read_ext: Any, make_map: Any) -> dict[str, Any]:
    values_left, objects_left = limits.values + ENVELOPE_VALUES, limits.objects + ENVELOPE_VALUES

    def take(values: int) -> None:
        nonlocal values_left, objects_left
        values_left -= values
        objects_left -= 1
        if values_left < 0:
            raise _limit(f"there are more than {limits.values} values in it; send less in one message")
        if objects_left < 0:
            raise _limit(f"there are more than {limits.objects} arrays and maps in it; send less in one message")

    def count_list(items: list[Any]) -> list[Any]:
        take(len(items))
        return items

    def count_map(pairs: list[tuple[Any, Any]]) -> Any:
        take(2 * len(pairs))
        return make_map(pairs)

    def count_ext(code: int, data: bytes) -> Any:
        take(0)
        return read_ext(code, data)

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
        raise _HasUndefined
    # ExtType's constructor refuses the reserved negative types, although msgpack reads and writes them.
    return tuple.__new__(msgpack.ExtType, (code, data))


def _read_rare_ext(code: int, data: bytes) -> Any:
    return UNDEFINED if code == 0 and data == b"\0" else _read_ext(code, data)


def _finished(value: Any) -> Any:
    """Converts timestamps, and makes `UNDEFINED` None."""
    if isinstance(value, msgpack.Timestamp):
        try:
            return value.to_datetime()
        except (OverflowError, ValueError):
            return value
    if value is UNDEFINED:
        return None
    if isinstance(value, list):
        return [_finished(item) for item in value]
    if isinstance(value, dict):
        return {key: _finished(item) for key, item in value.items()}
    return value


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


def _head(payload: Payload) -> dict[str, str]:
    """Reads ``id`` and ``type`` of a malformed payload, if they come before the fault."""
    found: dict[str, str] = {}
    most = min(len(payload), DEFAULT_LIMITS.array_items)
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
