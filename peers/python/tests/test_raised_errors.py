"""What an exception becomes on the wire, and what the caller gets."""

from __future__ import annotations

import asyncio
import builtins
import enum
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from multifrost import ParentWorker, RemoteCallError
from multifrost._messages import Messages
from multifrost._raised_error import describe
from multifrost._remote_failure import RemoteFailure, read_remote_failure

ExceptionGroup: Any = vars(builtins).get("ExceptionGroup")
messages = Messages()
RAISING = Path(__file__).with_name("raising_worker.py")


class Odd(Exception):
    """Takes any attributes."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args)
        self.__dict__.update(attributes)


def described(error: BaseException) -> dict[str, Any]:
    """The parts as they arrive, without stacks."""
    message = messages.read(messages.failure("i", error))
    assert message is not None
    return without_stacks(message["metadata"]["error"])


def without_stacks(parts: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in parts.items() if name != "stack"}
    if "cause" in rest:
        rest["cause"] = without_stacks(rest["cause"])
    if "errors" in rest:
        rest["errors"] = [without_stacks(one) for one in rest["errors"]]
    return rest


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        ("E_FAR", {"code": "E_FAR"}),
        (5, {"code": 5}),
        (HTTPStatus.NOT_FOUND, {"code": 404}),
        (True, {"data": {"code": True}}),
        ("c" * 1001, {"data": {"code": "c" * 1001}}),
        (2**70, {}),
        (len, {}),
    ],
)
def test_a_code_is_text_or_an_integer(code: Any, sent: dict[str, Any]) -> None:
    assert described(Odd("m", code=code)) == {"name": "Odd", "message": "m", **sent}


def test_attributes_that_can_be_sent_are_the_data() -> None:
    error = Odd("m", status=404, details={"id": 7}, _private=1, function=len, none=None, deep=[[len]], raw=b"\x00")
    error.__dict__.update(itself=error, odd={(1, 2): 3}, big=2**70)
    data = {"status": 404, "details": {"id": 7}, "none": None, "raw": b"\x00"}
    assert described(error) == {"name": "Odd", "message": "m", "data": data}


def test_attributes_of_built_in_exceptions_are_the_data() -> None:
    with pytest.raises(OSError) as missing:
        Path("/no/such/file").read_text()
    data = described(missing.value)["data"]
    assert (data["errno"], data["filename"]) == (2, "/no/such/file")
    with pytest.raises(UnicodeDecodeError) as undecodable:
        b"\xff".decode()
    assert described(undecodable.value)["data"].items() >= {"start": 0, "encoding": "utf-8", "object": b"\xff"}.items()


def test_args_beyond_the_message_are_in_the_data() -> None:
    assert described(ValueError("a", 5))["data"] == {"args": ["a", 5]}
    assert described(ValueError({"id": 7}))["data"] == {"args": [{"id": 7}]}
    assert described(KeyError("a"))["data"] == {"args": ["a"]}
    assert "data" not in described(ValueError("a"))
    assert "data" not in described(ValueError())


def test_data_is_bounded() -> None:
    large = Odd("m", large="x" * 70_000, fits=b"y" * 60_000, more="z" * 6_000, small=1)
    assert list(described(large)["data"]) == ["fits", "small"]
    assert len(described(Odd("m", **{f"f{index}": index for index in range(5_000)}))["data"]) == 100


def test_causes_arrive_10_deep_and_without_cycles() -> None:
    deep: Exception = Odd("0")
    for index in range(1, 1000):
        outer = Odd(str(index))
        outer.__cause__ = deep
        deep = outer
    parts, depth = described(deep), 0
    while "cause" in parts:
        parts, depth = parts["cause"], depth + 1
    assert depth == 10
    first, second = Odd("1"), Odd("2")
    first.__cause__, second.__cause__ = second, first
    assert described(first) == {"name": "Odd", "message": "1", "cause": {"name": "Odd", "message": "2"}}


def test_the_exception_being_handled_is_the_cause_unless_it_is_suppressed() -> None:
    with pytest.raises(LookupError) as handled:
        try:
            raise KeyError("a")
        except KeyError:
            raise LookupError("no row")  # noqa: B904
    assert described(handled.value)["cause"]["name"] == "KeyError"
    handled.value.__suppress_context__ = True
    assert "cause" not in described(handled.value)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="has no exception groups")
def test_a_group_has_its_exceptions() -> None:
    group = ExceptionGroup("many", [ValueError("a"), ExceptionGroup("more", [TypeError("b")])])
    parts = described(group)
    assert parts["name"] == "ExceptionGroup"
    assert parts["errors"][0] == {"name": "ValueError", "message": "a"}
    assert parts["errors"][1]["errors"] == [{"name": "TypeError", "message": "b"}]
    assert "data" not in parts
    many = ExceptionGroup("many", [ValueError(str(index)) for index in range(1_000)])
    assert len(described(many)["errors"]) == 99


def test_texts_are_bounded() -> None:
    error = Odd("m" * 10_000_000)
    error.__cause__ = Odd("c" * 10_000_000)
    parts = describe(error)
    assert len(parts["message"]) == 256 * 1024 + 7
    assert len(parts["stack"]) == 256 * 1024 + 7
    assert len(parts["cause"]["message"]) == 16 * 1024 + 7
    assert len(parts["cause"]["stack"]) == 16 * 1024 + 7
    assert len(messages.failure("i", error)) < 2_000_000


class Hostile(Exception):
    """Raises whatever is read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    @property
    def code(self) -> str:
        raise RuntimeError("no code")

    @property
    def exceptions(self) -> list[Exception]:
        raise RuntimeError("no exceptions")

    @property
    def args(self) -> Any:
        raise RuntimeError("no args")

    @args.setter
    def args(self, value: Any) -> None:
        pass


class Text(str, enum.Enum):
    CODE = "E_ENUM"


def test_a_hostile_exception_is_answered() -> None:
    assert described(Hostile()) == {"name": "Hostile", "message": "(its message cannot be read)"}
    assert described(Odd("m", code=Text.CODE))["code"] == "E_ENUM"
    assert described(Odd("\ud800"))["message"] == "\ufffd" or described(Odd("\ud800"))["message"] == "?"
    assert described(Odd("m", **{"__dict__": 1, "message": {"a": 1}}))["data"]["message"] == {"a": 1}


def read(parts: Any, text: str = "text") -> RemoteFailure:
    return read_remote_failure({"type": "error", "error": text, "metadata": {"error": parts}})


def test_parts_of_other_types_are_left_out() -> None:
    odd = {"name": 5, "message": "m", "code": 5.5, "stack": 5, "cause": "c", "errors": {}, "data": [1]}
    assert read(odd) == RemoteFailure("Error", "m")
    deep: dict[str, Any] = {"message": "0"}
    for _ in range(50):
        deep = {"message": "m", "cause": deep}
    failure, depth = read(deep), 0
    while failure.cause is not None:
        failure, depth = failure.cause, depth + 1
    assert depth == 10
    assert len(read({"message": "m", "errors": [{"message": "n"}, 5, {}] * 1_000}).errors) <= 99


def test_a_function_that_older_rust_does_not_find_is_a_refusal() -> None:
    assert read(None, "Function not found: x").refusal == "FUNCTION_NOT_FOUND"
    assert read(None, "Function not found").refusal is None


async def thrown(worker: ParentWorker, name: str, *args: Any) -> RemoteCallError:
    with pytest.raises(RemoteCallError) as raised:
        await worker.call_function(name, args)
    return raised.value


def test_a_caller_gets_attributes_cause_and_errors() -> None:
    async def body() -> None:
        async with ParentWorker.spawn(str(RAISING)) as worker:
            error = await thrown(worker, "find", 7)
            assert (error.remote_name, error.remote_code, error.remote_data["row"]) == ("NotFound", 404, 7)
            assert isinstance(error.__cause__, RemoteCallError)
            assert (error.__cause__.remote_name, error.__cause__.remote_message) == ("KeyError", "7")
            assert "raising_worker.py" in str(error.__cause__.remote_stack)
            if sys.version_info >= (3, 11):
                group = await thrown(worker, "find_all")
                assert [one.remote_name for one in group.errors] == ["NotFound", "ValueError"]
            assert (await thrown(worker, "hostile")).remote_message == "(its message cannot be read)"
            assert await worker.call_function("add", [1, 2]) == 3

    asyncio.run(body())
