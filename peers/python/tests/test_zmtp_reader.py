"""The parser of ZMTP: every split of a stream gives the same messages, and hostile input is refused without harm."""

from __future__ import annotations

import itertools
import random
import tracemalloc
from collections.abc import Iterator

import pytest

from multifrost._zmtp.reader import BEGINNING, BIG_FRAME, Limits, MessageReader
from multifrost._zmtp.wire import GREETING, ProtocolError, command, message_head, ready

PARENT = GREETING + ready(b"DEALER", {})
"""What a DEALER sends first."""


def message(payload: bytes) -> bytes:
    return message_head(len(payload)) + payload


def frame(flags: int, body: bytes) -> bytes:
    if len(body) > 255:
        return bytes((flags | 2,)) + len(body).to_bytes(8, "big") + body
    return bytes((flags, len(body))) + body


class Received:
    """Feeds chunks to a reader, as a connection does."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.reader = MessageReader(b"ROUTER", limits or Limits())
        self.payloads: list[bytes | None] = []
        self.replies: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        while chunk:
            space = self.reader.space()
            if space is None:
                found, chunk = self.reader.feed(chunk), b""
            else:
                count = min(len(space), len(chunk))
                space[:count] = chunk[:count]
                space.release()
                found, chunk = self.reader.filled(count), chunk[count:]
            self.payloads += [None if one is None else bytes(one) for one in found]
        self.replies += self.reader.replies
        self.reader.replies.clear()


def received(stream: bytes, *, limits: Limits | None = None) -> Received:
    made = Received(limits)
    made.feed(stream)
    return made


def splits(stream: bytes, seed: int) -> Iterator[list[bytes]]:
    """Every split in two, every split in single bytes, and random ones."""
    yield [stream[at : at + 1] for at in range(len(stream))]
    for at in range(len(stream) + 1):
        yield [stream[:at], stream[at:]]
    rng = random.Random(seed)
    for _ in range(200):
        cuts = sorted(rng.choices(range(len(stream) + 1), k=rng.randrange(2, 12)))
        yield [stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(stream)])]


STREAM = (
    PARENT
    + message(b"one")
    + message(b"")
    + command(b"PING", b"\0\0context")
    + frame(1, b"")
    + command(b"PING", b"\0\1")
    + frame(1, b"first")
    + frame(1, b"ignored")
    + frame(0, b"ignored")
    + frame(0, b"no empty frame")
    + frame(1, b"x")
    + frame(0, b"wrong first frame")
    + message(bytes(range(256)) * 2)
    + b"\x03" + bytes(8) + b"\x02" + bytes(7) + b"\x03abc"
    + command(b"UNKNOWN", b"?")
    + message(b"last")
)  # fmt: skip
PAYLOADS = [b"one", b"", b"first", None, None, bytes(range(256)) * 2, b"abc", b"last"]


def test_every_split_of_a_stream_gives_the_same_messages() -> None:
    for chunks in splits(STREAM, 1):
        made = Received()
        for chunk in chunks:
            made.feed(chunk)
        assert made.payloads == PAYLOADS
        assert made.replies == [command(b"PONG", b"context"), command(b"PONG")]


@pytest.mark.parametrize("size", [255, 256, BIG_FRAME, BIG_FRAME + 1, 3 * BIG_FRAME, 2 * 1024 * 1024 + 17])
def test_a_payload_of_any_size_arrives_whole(size: int) -> None:
    rng = random.Random(size)
    payload = rng.randbytes(size)
    stream = PARENT + message(b"before") + message(payload) + message(b"after")
    for _ in range(20):
        made, at = Received(), 0
        while at < len(stream):
            step = rng.choice([1, 9, 1000, 65536, len(stream)])
            made.feed(stream[at : at + step])
            at += step
        assert made.payloads == [b"before", payload, b"after"]


def test_the_properties_of_the_other_side_are_read_in_any_case_and_order() -> None:
    body = b"\x07x-token\0\0\0\3abc\x0bSOCKET-TYPE\0\0\0\6DEALER\3foo\0\0\0\0"
    made = received(GREETING + command(b"READY", body))
    assert made.reader.ready is not None
    assert made.reader.ready.properties == {"x-token": b"abc", "socket-type": b"DEALER", "foo": b""}


REFUSED = {
    "HTTP": b"GET / HTTP/1.1\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01",
    "text": b"hello\n",
    "zeros": bytes(100),
    "ZMTP 1.0": b"\xff\0\0\0\0\0\0\0\1\0",
    "ZMTP 2.0": b"\xff" + bytes(8) + b"\x7f\x01\x05",
    "PLAIN": GREETING.replace(b"NULL\0", b"PLAIN"),
    "a longer mechanism": GREETING.replace(b"NULL\0", b"NULLS"),
    "a message before READY": GREETING + message(b"x"),
    "READY as a message": GREETING + b"\0" + ready(b"DEALER", {})[1:],
    "another command before READY": GREETING + command(b"PING", b"\0\0"),
    "ERROR": GREETING + command(b"ERROR", b"\4gone"),
    "no socket type": GREETING + command(b"READY"),
    "an unknown socket type": GREETING + ready(b"STREAM", {}),
    "a socket type that does not fit": GREETING + ready(b"PUB", {}),
    "a property that is cut off": GREETING + command(b"READY", b"\x0bSocket-Type\0\0\0\7DEALER"),
    "a property without a name": GREETING + command(b"READY", b"\0\0\0\0\0"),
    "a large READY": GREETING + b"\x06" + (5000).to_bytes(8, "big"),
    "an identity that is too long": GREETING + ready(b"DEALER", {"Identity": b"x" * 300}),
    "a command without a name": PARENT + b"\4\0",
    "a command in parts": PARENT + b"\5\4\3ABC",
    "reserved flags": PARENT + b"\x08\0",
    "a large command": PARENT + b"\x06" + (1 << 40).to_bytes(8, "big"),
    "a PING without a time to live": PARENT + command(b"PING"),
    "a PING with a long context": PARENT + command(b"PING", bytes(40)),
    "a frame of 2^62 bytes": PARENT + b"\x02" + (1 << 62).to_bytes(8, "big"),
    "a frame of 2^63 bytes": PARENT + b"\x01\0\x02" + (1 << 63).to_bytes(8, "big"),
    "a message over the limit": PARENT + b"\x01\0\x02" + (64 * 1024 * 1024 + 1).to_bytes(8, "big"),
    "too many frames": PARENT + b"\x01\0" * 20,
}


@pytest.mark.parametrize("stream", REFUSED.values(), ids=REFUSED.keys())
def test_input_that_breaks_the_protocol_is_refused(stream: bytes) -> None:
    with pytest.raises(ProtocolError):
        received(stream)
    made = Received()
    with pytest.raises(ProtocolError):
        for at in range(len(stream)):
            made.feed(stream[at : at + 1])


def test_another_protocol_is_refused_at_its_first_byte() -> None:
    for name in ("HTTP", "TLS", "text", "zeros"):
        with pytest.raises(ProtocolError):
            received(REFUSED[name][:1])


def test_frames_that_exceed_the_limit_together_are_refused() -> None:
    with pytest.raises(ProtocolError):
        received(PARENT + frame(1, b"") + frame(1, bytes(600)) + frame(0, bytes(500)), limits=Limits(1000))


@pytest.mark.parametrize("size", [1001, BIG_FRAME + 1, 5 * BIG_FRAME])
def test_of_a_message_that_is_too_large_the_beginning_can_be_kept(size: int) -> None:
    limits = Limits(1000, skipped_bytes=1 << 62)
    large = frame(1, b"") + frame(1, bytes(size)) + frame(0, b"rest")
    first_too_large = frame(1, bytes(size)) + frame(0, b"x")
    stream = PARENT + message(b"a") + message(bytes(size)) + message(b"b") + large + first_too_large + message(b"c")
    for step in (1, 1000, len(stream)):
        made = Received(limits)
        for at in range(0, len(stream), step):
            made.feed(stream[at : at + step])
        beginning = bytes(min(size, BEGINNING))
        assert made.payloads == [b"a", beginning, b"b", beginning, None, b"c"]


def test_an_announced_size_takes_no_memory() -> None:
    tracemalloc.start()
    held = [received(PARENT + b"\x01\0\x02" + (60 * 1024 * 1024).to_bytes(8, "big") + b"begun") for _ in range(30)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    resident = sum(one.reader.held for one in held)
    assert resident == 30 * len(b"begun")
    assert peak < 16 * 1024 * 1024


def test_random_and_damaged_input_only_raises_protocol_errors() -> None:
    rng = random.Random(7)
    limits = Limits(message_bytes=100_000)
    for _ in range(20_000):
        stream = bytearray(STREAM)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(stream))
            kind = rng.randrange(3)
            if kind == 0:
                stream[at] = rng.randrange(256)
            elif kind == 1:
                del stream[at : at + rng.randrange(1, 20)]
            else:
                stream[at:at] = rng.randbytes(rng.randrange(1, 20))
            if not stream:
                break
        outcomes = []
        for cut in (len(stream), rng.randrange(len(stream) + 1)):
            made = Received(limits)
            error = None
            try:
                made.feed(bytes(stream[:cut]))
                made.feed(bytes(stream[cut:]))
            except ProtocolError as caught:
                error = str(caught)
            outcomes.append((error is None, made.payloads if error is None else None))
        assert outcomes[0] == outcomes[1]


def test_a_message_of_more_than_may_be_skipped_ends_the_connection() -> None:
    limits = Limits(1000, skipped_bytes=2000)
    assert received(PARENT + message(bytes(1500)) + message(b"a"), limits=limits).payloads == [bytes(1500), b"a"]
    for size in (2001, BIG_FRAME + 1, 1 << 40):
        with pytest.raises(ProtocolError, match="more than 1000 bytes"):
            received(PARENT + frame(1, b"") + b"\x02" + size.to_bytes(8, "big") + bytes(2001), limits=limits)
