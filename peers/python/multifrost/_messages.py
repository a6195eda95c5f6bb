"""Reads protocol messages into one normal form, and writes them."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Sequence
from math import isfinite
from typing import Any

from ._codec import Codec, PartialArgs, encode, encode_scalar, encode_text, extended_map, raw_fields
from ._limits import DEFAULT_LIMITS, Limits
from ._raised_error import describe, message_of, shorten
from ._values import Converter, unreadable
from ._zmtp.reader import Payload
from .errors import CallError, MalformedMessageError, SerializationError

APP = "comlink_ipc_v3"

MAX_ID = 256
"""Longest message id, in characters."""

MAX_SCALARS = 16
"""Arguments of a call that are looked at before they are encoded."""

MAX_SHORT = 500
"""Longest message of an error where the limits allow no more, in characters."""

MAX_SMALL = 1024
"""Longest text or bytes that `response` encodes in its usual form, in characters or bytes."""

_RESPONSE = b"\x85\xa3app%b\xa2id\xd9\x24%%b\xa4type\xa8response\xa9timestamp\xcb%%b\xa6result%%b"
"""The usual form of a response, with an id of 36 bytes, in half the time that it takes to encode a map."""

_ARRAY_HEADS = frozenset(bytes((head,)) for head in (*range(0x90, 0xA0), 0xDC, 0xDD))
_MAP_HEADS = frozenset(bytes((head,)) for head in (*range(0x80, 0x90), 0xDE, 0xDF))
"""First bytes of encoded arrays and maps."""

_FEATURES = frozenset({"features"})

_SCALARS = frozenset({type(None), bool, int})
_SIZED = frozenset({str, bytes})
_pack_double = struct.Struct(">d").pack

_WITH_ID = frozenset({"call", "response", "error", "heartbeat"})
_TEXTS = {"error": "error", "stdout": "output", "stderr": "output"}
_TYPES = _WITH_ID | {"stdout", "stderr", "shutdown", "ready"}

Message = dict[str, Any]
"""A message in normal form: ``type``, ``id``, ``timestamp`` and only the fields of its type."""


def _read_call(fields: dict[str, Any], message: Message) -> None:
    get = fields.get
    args, namespace, function = get("args"), get("namespace"), get("function")
    if type(function) is not str:
        function = "" if function is None else _text(fields, "function")
    message["function"] = function
    if type(args) is not list and type(args) is not PartialArgs:
        if args is not None:
            raise _malformed(fields, f"'args' of '{function}' must be an array")
        args = []
    message["args"] = args
    message["namespace"] = namespace if type(namespace) is str else "default"
    client_name = get("client_name")
    if client_name is None:
        client_name = get("clientName")  # older JavaScript
    if client_name is not None and type(client_name) is str:
        message["client_name"] = client_name


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise _malformed(fields, f"'{name}' must be text")
    return value


def _malformed(fields: dict[str, Any], reason: str) -> MalformedMessageError:
    return MalformedMessageError("MALFORMED_MESSAGE", reason, fields["id"], fields["type"])


def _is_scalar(value: Any) -> bool:
    """Whether a value is sent as it is, if it is no integer of more than 64 bits."""
    kind = type(value)
    return kind in _SCALARS or kind in _SIZED or (kind is float and isfinite(value))


def new_id() -> str:
    """Returns a random UUID as a message id."""
    # As `str(uuid.uuid4())`, in a third of the time.
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


class Messages:
    """Reads and writes the messages of one app.

    Args:
        app: The app id, in every message. Both sides must have the same.
        limits: What a message may have. Default: the protocol's.
    """

    def __init__(self, app: str = APP, limits: Limits = DEFAULT_LIMITS) -> None:
        self.app = app
        self.codec = Codec(limits)
        self._encode, self._decode = self.codec.encode, self.codec.decode
        self._scalars_fit = min(limits.string_bytes, limits.binary_bytes) >= limits.message_bytes
        """Whether one text or one binary value of any message that is not too large may be sent."""
        self._max_small = MAX_SMALL if self.codec.uncounted_bytes >= 8 * MAX_SMALL else 0
        self._response = _RESPONSE % encode_text(app).replace(b"%", b"%%")

    def read(self, payload: Payload) -> Message | None:
        """Reads the message in a payload. Returns None for another app or an unknown type; callers ignore those.

        Raises:
            MalformedMessageError: With the message's id and type if they could be read.
        """
        fields = self._decode(payload)
        get = fields.get
        if get("app") != self.app:
            return None
        kind, message_id, timestamp = get("type"), get("id"), get("timestamp")
        if type(kind) is not str or kind not in _TYPES:
            return None
        if type(message_id) is not str or not message_id:
            if kind in _WITH_ID:
                raise MalformedMessageError("MISSING_ID", f"a {kind} message has no id", None, kind)
            message_id = ""
        if len(message_id) > MAX_ID:
            raise MalformedMessageError("MALFORMED_MESSAGE", f"its id has {len(message_id)} characters", None, kind)
        if type(timestamp) is not float:
            timestamp = float(timestamp) if type(timestamp) is int else 0.0
        message: Message = {"type": kind, "id": message_id, "timestamp": timestamp}
        if kind == "call":
            _read_call(fields, message)
        elif kind == "response":
            if "result" in fields:
                message["result"] = fields["result"]
        elif kind == "heartbeat":
            if isinstance(fields.get("args"), list):
                message["args"] = fields["args"]
        elif kind in _TEXTS:
            name = _TEXTS[kind]
            message[name] = "" if fields.get(name) is None else _text(fields, name)
        metadata = get("metadata")
        if type(metadata) is dict:
            message["metadata"] = metadata
        return message

    def write(self, kind: str, message_id: str, timestamp: float | None = None, **fields: Any) -> bytes:
        """Encodes a message.

        Args:
            timestamp: Unix time in seconds. Default: now.
            fields: The other fields in the protocol's order, already converted by `to_wire`.

        Raises:
            SerializationError: ``MESSAGE_TOO_LARGE``.
        """
        now = time.time() if timestamp is None else timestamp
        return encode({"app": self.app, "id": message_id, "type": kind, "timestamp": now, **fields})

    def call(self, message_id: str, function: str, args: Any, namespace: str, client_name: str | None = None) -> bytes:
        """Encodes a call.

        Raises:
            SerializationError: With the path of the argument that cannot be sent.
        """
        message = {
            "app": self.app,
            "id": message_id,
            "type": "call",
            "timestamp": time.time(),
            "function": function,
            "args": args,
            "namespace": namespace,
        }
        if client_name is not None:
            message["client_name"] = client_name
        if self._scalars_fit and len(args) <= MAX_SCALARS and all(map(_is_scalar, args)):
            message["args"] = list(args)
            try:
                return self._encode(message)
            except OverflowError:
                pass  # an integer of more than 64 bits
        try:
            message["args"] = Converter(self.codec.limits).arguments(args)
        except SerializationError as error:
            raise error.under("args") from error.__cause__
        try:
            return self._encode(message)
        except SerializationError:
            raise
        except Exception as error:  # the time zone of a datetime raised
            raise unreadable(error).under("args") from error

    def response(self, message_id: bytes, result: Any, metadata: dict[str, Any] | None = None) -> bytes:
        """Encodes the answer to a call, or an error answer if the result cannot be sent.

        Args:
            message_id: The call's id in UTF-8.
        """
        kind = type(result)
        if (
            (
                kind in _SCALARS
                or (kind in _SIZED and len(result) <= self._max_small)
                or (kind is float and isfinite(result))
            )
            and len(message_id) == 36
            and metadata is None
        ):
            try:
                return self._response % (message_id, _pack_double(time.time()), encode_scalar(result))
            except (OverflowError, UnicodeEncodeError):
                pass  # an integer of more than 64 bits, or text with an unpaired surrogate
        known_id = message_id.decode()
        try:
            message = {
                "app": self.app,
                "id": known_id,
                "type": "response",
                "timestamp": time.time(),
                "result": Converter(self.codec.limits).convert(result),
            }
            if metadata is not None:
                message["metadata"] = metadata
            return self._encode(message)
        except SerializationError as error:
            return self.failure(known_id, error.under("result"))
        except BaseException as error:  # SystemExit too: a value cannot end the worker
            return self.failure(known_id, error)

    def failure(self, message_id: str, error: BaseException) -> bytes:
        """Encodes the answer to a call that failed: as text for older parents, in ``metadata.error`` for newer ones."""
        if isinstance(error, CallError | MalformedMessageError):
            message = message_of(error)
            parts: dict[str, Any] = {"name": type(error).__name__, "message": message, "code": error.code}
            return self.write("error", message_id, error=message, metadata={"error": parts})
        parts = describe(error)
        text = f"{parts['name']}: {parts['message']}\n{parts['stack']}"
        own = {name: parts[name] for name in ("name", "message", "code", "stack") if name in parts}
        for described in (parts, own):
            try:
                answer = self.write("error", message_id, error=text, metadata={"error": described})
            except SerializationError:  # more values, or more bytes, than a message may have
                continue
            if len(answer) <= self.codec.limits.message_bytes:
                return answer
        text = shorten(parts["message"], MAX_SHORT)
        own = {"name": parts["name"], "message": text}
        if "code" in parts:
            own["code"] = parts["code"]
        return self.write("error", message_id, error=text, metadata={"error": own})

    def heartbeat(self, message_id: str) -> bytes:
        """Encodes a heartbeat with this process's clock."""
        return self.write("heartbeat", message_id, metadata={"hb_timestamp": time.time()})

    def heartbeat_answer(self, beat: Payload, token: str | None = None, features: Sequence[str] = ()) -> bytes:
        """Encodes the answer to a heartbeat: its id, arguments and metadata in the same bytes, and ``hb_response``.

        Args:
            beat: A heartbeat that `read` has read.
            token: Proves to the parent that spawned this process that it is the worker. None: no proof is sent.
            features: What the worker understands besides the protocol's messages. Default: nothing.
        """
        asked = raw_fields(beat)
        args, metadata = asked.get("args", b""), asked.get("metadata", b"")
        added: dict[str, Any] = {"hb_response": True}
        if token is not None:
            added["token"] = token
        if features:
            added["features"] = list(features)
        head = {"app": self.app, "id": None, "type": "heartbeat", "timestamp": time.time()}
        fields = {name: encode_scalar(value) for name, value in head.items()}
        fields["id"] = asked["id"]
        if args[:1] in _ARRAY_HEADS:
            fields["args"] = args
        fields["metadata"] = extended_map(metadata if metadata[:1] in _MAP_HEADS else b"\x80", added, _FEATURES)
        return bytes((0x80 + len(fields),)) + b"".join(encode_scalar(name) + field for name, field in fields.items())

    def output(self, kind: str, line: str) -> bytes:
        """Encodes one printed line; `kind` is ``stdout`` or ``stderr``."""
        return self.write(kind, new_id(), output=line)

    def shutdown(self) -> bytes:
        """Encodes the message that asks a worker to end."""
        return self.write("shutdown", new_id())
