"""What a parent takes for the answer to a heartbeat, and what it does not: rule MSG-12."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from multifrost._messages import Messages
from multifrost._parent.heartbeats import Heartbeats, Rules

messages = Messages()


def read_id(payload: bytes) -> str:
    message = messages.read(payload)
    assert message is not None
    return str(message["id"])


class Silent:
    """A connection on which nothing arrives by itself."""

    heard = 0

    def has_unread(self) -> bool:
        return False


class Recorder:
    """Records the answers."""

    def __init__(self, answers: list[float]) -> None:
        self.answered = answers.append

    def missed(self, misses: int) -> None: ...
    def stalled(self, seconds: float) -> None: ...
    def lost(self, seconds: float) -> None: ...
    def recovered(self, was_lost: bool) -> None: ...


def with_heartbeats(check: Callable[[Heartbeats, list[bytes], list[float]], None]) -> None:
    """Runs `check` with heartbeats that are sent often, and lists of what was sent and of the answers."""

    async def run() -> None:
        sent: list[bytes] = []
        answers: list[float] = []
        beats = Heartbeats(Rules(0.01, 60, 3, 60), sent.append, Silent(), Recorder(answers), messages)
        beats.send_first()
        assert beats.answered(read_id(sent[0]), messages.heartbeat_answer(sent[0]))
        beats.start()
        while len(sent) < 4:
            await asyncio.sleep(0.001)
        check(beats, sent[1:4], answers)
        beats.stop()

    asyncio.run(run())


def test_a_heartbeat_that_comes_back_as_it_was_sent_is_no_answer() -> None:
    def check(beats: Heartbeats, sent: list[bytes], answers: list[float]) -> None:
        for beat in sent:
            assert not beats.answered(read_id(beat), beat)
            assert not beats.answered(read_id(beat), bytearray(beat))
        assert answers == []
        for beat in sent:  # the worker behind an echo still answers
            assert beats.answered(read_id(beat), messages.heartbeat_answer(beat))
        assert len(answers) == 3

    with_heartbeats(check)


def test_an_answer_is_matched_by_its_id_alone_and_once() -> None:
    def check(beats: Heartbeats, sent: list[bytes], answers: list[float]) -> None:
        last, _, first = (read_id(beat) for beat in sent)
        for message_id in (first, last):
            answer = {"app": messages.app, "id": message_id, "type": "heartbeat", "timestamp": 1}
            assert beats.answered(message_id, msgpack.packb(answer))
            assert not beats.answered(message_id, msgpack.packb(answer))
        assert not beats.answered("unknown", b"\x80")
        assert len(answers) == 2

    with_heartbeats(check)


METADATA: list[Any] = [
    {},
    {"hb_response": False, "a": 1},
    {"hb_response": 1},
    {1: 2, None: 3},
    {"token": "other"},
    5,
    None,
]


@pytest.mark.parametrize("metadata", METADATA)
def test_an_answer_has_the_workers_own_marks_and_the_rest_as_it_came(metadata: Any) -> None:
    beat = {
        "app": messages.app,
        "id": "beat",
        "type": "heartbeat",
        "timestamp": 1,
        "args": [1, 1.0],
        "metadata": metadata,
    }
    payload = msgpack.packb(beat)
    assert messages.read(payload) is not None
    answer = msgpack.unpackb(messages.heartbeat_answer(payload, "token", ["undefined"]), strict_map_key=False)
    rest = metadata if isinstance(metadata, dict) else {}
    assert answer["metadata"] == {**rest, "hb_response": True, "token": "token", "features": ["undefined"]}
    assert list(map(type, answer["args"])) == [int, float]
    assert messages.read(messages.heartbeat_answer(payload)) is not None


def test_of_a_field_that_comes_twice_the_last_is_answered() -> None:
    twice = msgpack.packb({"app": messages.app, "id": "beat", "type": "heartbeat", "args": [1]})
    twice = b"\x85" + twice[1:] + msgpack.packb("args") + msgpack.packb([2.0])
    assert (read := messages.read(twice)) and read["args"] == [2.0]
    assert msgpack.unpackb(messages.heartbeat_answer(twice))["args"] == [2.0]
