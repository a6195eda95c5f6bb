"""The shared vectors, messages with their bytes: see ``interop/README.md``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgpack
import pytest

from multifrost._codec import UNDEFINED
from multifrost._messages import Messages
from multifrost._remote_failure import RemoteFailure, read_remote_failure
from multifrost._values import to_wire
from multifrost.errors import MalformedMessageError

FOLDER = Path(__file__).resolve().parents[3] / "interop" / "vectors"
FIELDS = ("function", "args", "namespace", "client_name", "result", "error", "output", "metadata")

Vector = dict[str, Any]

messages = Messages()


def vectors(outcome: str = "", written: bool = False) -> list[Any]:
    return list(chosen(outcome, written))


def chosen(outcome: str, written: bool) -> Iterator[Any]:
    for file in sorted(FOLDER.glob("*.json")):
        for vector in json.loads(file.read_text("utf-8")):
            wanted = outcome in ("", vector["outcome"]) and (not written or vector.get("written"))
            if wanted and "python" not in vector.get("except", {}):
                yield pytest.param(vector, id=vector["name"])


def test_the_vector_files_are_found() -> None:
    assert len(vectors()) >= 120


@pytest.mark.parametrize("vector", vectors("read"))
def test_a_vector_is_read_as_its_message(vector: Vector) -> None:
    message = messages.read(bytes.fromhex(vector["hex"]))
    assert message is not None
    assert tagged(message) == vector["message"]
    if "remote" in vector:
        failure = read_remote_failure(message)
        assert parts_of(failure) == vector["remote"]
        if failure.name == "RefusedCall":
            assert failure.refusal == failure.code


def parts_of(failure: RemoteFailure) -> dict[str, Any]:
    """An error in the form of the vectors."""
    parts: dict[str, Any] = {"name": failure.name, "message": failure.message}
    parts |= {"stack": failure.stack, "code": failure.code}
    if failure.cause is not None:
        parts["cause"] = parts_of(failure.cause)
    parts["errors"] = [parts_of(one) for one in failure.errors] or None
    parts["data"] = tagged(failure.data) or None
    return {name: part for name, part in parts.items() if part is not None}


@pytest.mark.parametrize("vector", vectors("dropped"))
def test_a_malformed_vector_is_refused(vector: Vector) -> None:
    with pytest.raises(MalformedMessageError):
        messages.read(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("vector", vectors("ignored"))
def test_a_vector_of_another_app_or_type_is_ignored(vector: Vector) -> None:
    assert messages.read(bytes.fromhex(vector["hex"])) is None


@pytest.mark.parametrize("vector", vectors("read", written=True))
def test_a_message_is_written_as_its_vector(vector: Vector) -> None:
    message = untagged(vector["message"])
    fields = {name: wire(name, message[name]) for name in FIELDS if name in message}
    written = messages.write(message["type"], message["id"], message["timestamp"], **fields)
    assert written.hex() == vector["hex"]


@pytest.mark.parametrize("vector", [one for one in vectors() if "answers" in one.values[0]])
def test_a_heartbeat_is_answered_in_the_bytes_that_came(monkeypatch: pytest.MonkeyPatch, vector: Vector) -> None:
    monkeypatch.setattr("multifrost._messages.time.time", lambda: 1_700_000_000.25)
    beat = bytes.fromhex(vector["answers"])
    assert messages.read(beat) is not None
    assert messages.heartbeat_answer(beat).hex() == vector["hex"]


def wire(name: str, value: Any) -> Any:
    return [to_wire(item) for item in value] if name == "args" else to_wire(value)


def tagged(value: Any) -> Any:
    """Converts a value to the JSON form of the vectors."""
    if isinstance(value, bool | str | None):
        return value
    if value is UNDEFINED:
        return {"$undefined": True}
    if isinstance(value, int):
        return value if abs(value) < 2**53 else {"$int": str(value)}
    if isinstance(value, float):
        return {"$float": float_text(value)}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, datetime):
        past = value - datetime(1970, 1, 1, tzinfo=timezone.utc)
        value = msgpack.Timestamp(past.days * 86_400 + past.seconds, past.microseconds * 1_000)
    if isinstance(value, msgpack.Timestamp):
        return {"$time": f"{value.seconds}.{value.nanoseconds:09}"}
    if isinstance(value, msgpack.ExtType):
        return {"$ext": [value.code, value.data.hex()]}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    return {key: tagged(item) for key, item in value.items()}


def float_text(value: float) -> str:
    special = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return special.get(str(value)) or repr(value).removesuffix(".0")


def untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, content),) = value.items()
        readers: dict[str, Callable[[Any], Any]] = {
            "$int": int,
            "$float": float,
            "$bytes": bytes.fromhex,
            "$time": time_of,
            "$ext": ext_of,
        }
        if tag in readers:
            return readers[tag](content)
    return {key: untagged(item) for key, item in value.items()}


def time_of(text: str) -> Any:
    seconds, nanoseconds = text.split(".")
    stamp = msgpack.Timestamp(int(seconds), int(nanoseconds))
    try:
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(
            seconds=stamp.seconds, microseconds=stamp.nanoseconds // 1_000
        )
    except (OverflowError, ValueError):
        return stamp


def ext_of(content: Any) -> msgpack.ExtType:
    return msgpack.ExtType(content[0], bytes.fromhex(content[1]))
