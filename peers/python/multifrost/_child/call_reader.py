"""Reads the usual form of a call in a fifth of the time that the general readers take: 0.8 µs instead of 4."""

from __future__ import annotations

import re
from typing import Any

from .._codec import decode_args, encode_text
from .._messages import APP
from .._zmtp.wire import message_head
from .link import Handle
from .method_table import Method, MethodTable

MAX_USUAL_BYTES = 1024
"""For a larger call, the time that is saved is small beside that of its arguments."""

PlainCall = tuple[Handle, bytes, Method, "list[Any]", int]
"""The parent and the id to answer, the method and its arguments, and what they take in memory, estimated, in bytes.
A tuple: the fastest to create."""

_HEADS = [message_head(size) for size in range(MAX_USUAL_BYTES + 1)]


class CallReader:
    """Knows the bytes of calls of this worker's methods, from the heads of their frames on.

    All implementations write the fields of a call in the same order. So between the id, the timestamp, the name of the
    method and the arguments there are always the same bytes, and only the arguments have to be decoded.

    Args:
        methods: The methods that can be called.
        namespace: The worker's namespace. Calls for another one have another form.
    """

    def __init__(self, methods: MethodTable, namespace: str) -> None:
        self._methods = {encode_text(name): methods.find(name) for name in methods.names()}
        app = b"\x87\xa3app%b\xa2id\xd9\x24" % encode_text(APP)
        kind = b"\xa4type\xa4call\xa9timestamp\xcb"
        function, args = b"\xa8function", b"\xa4args"
        end = b"\xa9namespace%b" % encode_text(namespace)
        self._fixed = len(app) + 36 + len(kind) + 8 + len(function) + len(args) + len(end)
        """The bytes of a call without the name of its method and its arguments."""
        form = rb"(\x01\x00(?:\x00.|\x02.{8}))%b(.{36})%b.{8}%b([^\xa4]{1,255})%b([\x90-\x9f].{0,%d}?)%b"
        pieces = (*map(re.escape, (app, kind, function, args)), MAX_USUAL_BYTES, re.escape(end))
        self._find_all = re.compile(form % pieces, re.DOTALL).findall

    def read(self, peer: Handle, data: bytes) -> tuple[list[PlainCall], int]:
        """Reads the calls at the beginning of what a parent has sent.

        Args:
            peer: The parent.
            data: Bytes that begin with a message, the heads of its frames included.

        Returns:
            The calls, and where the first message begins that has to be read otherwise. Where other messages are
            between calls, no call is returned.
        """
        methods, fixed = self._methods, self._fixed
        calls: list[PlainCall] = []
        size = 0
        found = self._find_all(data)
        for head, message_id, name, packed in found:
            method = methods.get(name)
            length = fixed + len(name) + len(packed)
            if length > MAX_USUAL_BYTES or head != _HEADS[length] or method is None or not message_id.isascii():
                break
            try:
                args = decode_args(packed)
            except Exception:
                break  # read again, for the error that says what is wrong with it
            length += len(head)
            calls.append((peer, message_id, method, args, length))
            size += length
        # Calls that together are as long as the data fill it: they do not overlap.
        if size < len(data) and self._find_all(data[:size]) != found[: len(calls)]:
            return [], 0
        return calls, size
