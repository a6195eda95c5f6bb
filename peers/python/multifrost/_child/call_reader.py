"""Reads the usual form of a call in a quarter of the time that the general readers take: 1 µs instead of 4."""

from __future__ import annotations

import re
from typing import Any

from .._codec import Codec, encode_text
from .._messages import APP
from .link import Handle
from .method_table import Method, MethodTable

MAX_USUAL_BYTES = 1024
"""For a larger call, the time that is saved is small beside that of its arguments."""

PlainCall = tuple[Handle, bytes, Method, "list[Any]", int]
"""The parent and the id to answer, the method and its arguments, and what they take in memory, estimated, in bytes.
A tuple: the fastest to create."""


class CallReader:
    """Knows the bytes of calls of this worker's methods, from the heads of their frames on.

    All implementations write the fields of a call in the same order. So between the id, the timestamp, the name of the
    method and the arguments there are always the same bytes, and only the arguments have to be decoded.

    Args:
        methods: The methods that can be called.
        namespace: The worker's namespace. Calls for another one have another form.
        app: The app id of the worker's messages.
        codec: Decodes the arguments. Default: with the usual limits.
    """

    def __init__(self, methods: MethodTable, namespace: str, app: str = APP, codec: Codec | None = None) -> None:
        codec = codec or Codec()
        names = methods.names() if codec.uncounted_bytes >= MAX_USUAL_BYTES else []
        self._methods = {encode_text(name): methods.find(name) for name in names}
        self._decode_args = codec.decode_args
        self._match = re.compile(
            b"".join(
                (
                    rb"\x01\x00(?:\x00.|\x02.{8})\x87\xa3app",
                    re.escape(encode_text(app)),
                    rb"\xa2id\xd9\x24(.{36})\xa4type\xa4call\xa9timestamp\xcb.{8}\xa8function([^\xa4]+)\xa4args",
                    rb"([\x90-\x9f].*)\xa9namespace",
                    re.escape(encode_text(namespace)),
                )
            ),
            re.DOTALL,
        ).fullmatch

    def read(self, peer: Handle, data: bytes) -> tuple[list[PlainCall], int]:
        """Reads the calls at the beginning of what a parent has sent.

        Args:
            peer: The parent.
            data: Bytes that begin with a message, the heads of its frames included.

        Returns:
            The calls, and where the first message begins that is incomplete, has another form or cannot be read.
        """
        match, methods, decode_args = self._match, self._methods, self._decode_args
        calls: list[PlainCall] = []
        at, size = 0, len(data)
        while at + 4 <= size:
            if data[at + 2]:
                length = int.from_bytes(data[at + 3 : at + 11], "big")
                if length > MAX_USUAL_BYTES:
                    break
                end = at + 11 + length
            else:
                end = at + 4 + data[at + 3]
            if end > size or (usual := match(data, at, end)) is None:
                break
            message_id, name, packed = usual.groups()
            method = methods.get(name)
            if method is None or not message_id.isascii():
                break
            try:
                args = decode_args(packed)
            except Exception:
                break  # read again, for the error that says what is wrong with it
            calls.append((peer, message_id, method, args, end - at))
            at = end
        return calls, at
