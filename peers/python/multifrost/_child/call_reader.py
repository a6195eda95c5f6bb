"""Reads the usual form of a call in half the time that `messages.read` takes: 2 µs instead of 4."""

from __future__ import annotations

import re

from .._codec import decode_args, encode_text
from .._messages import APP
from .._zmtp.reader import Payload
from .method_table import Method, MethodTable

MAX_USUAL_BYTES = 1024
"""For a larger call, the time that is saved is small beside that of its arguments."""

UsualCall = tuple[str, Method, "list[object]"]
"""The call's id, the method and its arguments."""


class CallReader:
    """Knows the bytes of calls of this worker's methods.

    All implementations write the fields of a call in the same order. So between the id, the timestamp, the name of the
    method and the arguments there are always the same bytes, and only the arguments have to be decoded.

    Args:
        methods: The methods that can be called.
        namespace: The worker's namespace. Calls for another one have another form.
    """

    def __init__(self, methods: MethodTable, namespace: str) -> None:
        self._methods = {encode_text(name): methods.find(name) for name in methods.names()}
        self._match = re.compile(
            b"".join(
                (
                    rb"\x87\xa3app",
                    re.escape(encode_text(APP)),
                    rb"\xa2id\xd9\x24([ -~]{36})\xa4type\xa4call\xa9timestamp\xcb.{8}\xa8function([^\xa4]+)\xa4args",
                    rb"([\x90-\x9f].*)\xa9namespace",
                    re.escape(encode_text(namespace)),
                )
            ),
            re.DOTALL,
        ).fullmatch

    def read(self, payload: Payload) -> UsualCall | None:
        """Returns the call in a payload. None: it has another form or cannot be read, so use `messages.read`."""
        if len(payload) > MAX_USUAL_BYTES or (match := self._match(payload)) is None:
            return None
        message_id, name, args = match.groups()
        method = self._methods.get(name)
        if method is None:
            return None
        try:
            return message_id.decode(), method, decode_args(args)
        except Exception:
            return None  # read again, for the error that says what is wrong with it
