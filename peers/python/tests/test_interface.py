"""What a worker tells about its methods."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import numpy
import numpy.typing
import pytest
from conftest import EXAMPLE, Parent

from multifrost import ChildWorker, ParentWorker
from multifrost.child.dispatch import Methods

if TYPE_CHECKING:
    from nowhere import Unknown  # type: ignore[import-not-found]


class Options(TypedDict, total=False):
    deep: bool


@dataclass
class Node:
    name: str
    children: list[Node] = field(default_factory=list)
    options: Options | None = None


class Typed(ChildWorker):
    def plain(self, a, b=1, *rest, key=None):  # type: ignore[no-untyped-def]
        pass

    def scalars(self, a: int, b: float, c: str, d: bool, e: bytes, f: datetime, g: None) -> None:
        """Takes one of each.

        And more is not said.
        """

    def containers(
        self, a: list[int], b: dict[str, Any], c: tuple[int, str], d: tuple[int, ...], e: Sequence[str], f: set[int]
    ) -> Mapping[str, list[float]]:
        return {}

    def unions(self, a: int | None, b: int | str | None, c: int | None = None) -> Literal["x", 5, None]:
        return None

    def arrays(self, a: numpy.ndarray[Any, Any], b: numpy.typing.NDArray[numpy.float64]) -> Annotated[int, "positive"]:
        return 1

    def records(self, root: Node) -> list[Node]:
        return [root]

    async def later(self) -> int:
        return 1

    def awaitable(self) -> Awaitable[int]:
        return asyncio.sleep(0, 1)

    def unresolved(self, a: Unknown, b: list[Unknown], c: int) -> Unknown:
        return a

    @staticmethod
    def static(a: str) -> str:
        return a


INTERFACE = Methods(Typed(), ChildWorker).interface
FUNCTIONS: dict[str, Any] = INTERFACE["functions"]


def types_of(name: str) -> list[Any]:
    return [parameter.get("type") for parameter in FUNCTIONS[name]["parameters"]]


def test_names_are_sorted_and_the_language_is_told() -> None:
    assert INTERFACE["language"] == "python"
    assert list(FUNCTIONS) == sorted(FUNCTIONS)


def test_a_method_without_hints() -> None:
    names = [{"name": "a"}, {"name": "b", "optional": True}, {"name": "rest", "rest": True}]
    assert FUNCTIONS["plain"] == {"parameters": names}


def test_scalars_and_documentation() -> None:
    assert types_of("scalars") == ["int", "float", "str", "bool", "bytes", "time", "nil"]
    assert FUNCTIONS["scalars"]["returns"] == "nil"
    assert FUNCTIONS["scalars"]["doc"] == "Takes one of each."


def test_containers() -> None:
    expected = [{"list": "int"}, {"map": "any"}, {"tuple": ["int", "str"]}]
    assert types_of("containers") == [*expected, {"list": "int"}, {"list": "str"}, {"list": "int"}]
    assert FUNCTIONS["containers"]["returns"] == {"map": {"list": "float"}}


def test_unions_and_literals() -> None:
    nilable = {"union": ["int", "nil"]}
    assert types_of("unions") == [nilable, {"union": ["int", "str", "nil"]}, nilable]
    assert FUNCTIONS["unions"]["parameters"][2]["optional"] is True
    assert FUNCTIONS["unions"]["returns"] == {"union": [{"literal": "x"}, {"literal": 5}, "nil"]}


def test_arrays_of_numpy_are_bytes() -> None:
    assert types_of("arrays") == ["bytes", "bytes"]
    assert FUNCTIONS["arrays"]["returns"] == "int"


def test_records_are_named_and_may_refer_to_themselves() -> None:
    assert types_of("records") == [{"ref": "Node"}]
    assert FUNCTIONS["records"]["returns"] == {"list": {"ref": "Node"}}
    assert INTERFACE["types"] == {
        "Node": {
            "fields": {
                "children": {"type": {"list": {"ref": "Node"}}},
                "name": {"type": "str"},
                "options": {"type": {"union": [{"ref": "Options"}, "nil"]}},
            }
        },
        "Options": {"fields": {"deep": {"type": "bool", "optional": True}}},
    }


def test_what_is_awaited_is_what_the_caller_gets() -> None:
    assert FUNCTIONS["later"]["returns"] == FUNCTIONS["awaitable"]["returns"] == "int"


def test_hints_that_cannot_be_resolved_are_left_out() -> None:
    expected = [{"name": "a"}, {"name": "b"}, {"name": "c", "type": "int"}]
    assert FUNCTIONS["unresolved"] == {"parameters": expected}


def test_static_methods() -> None:
    assert FUNCTIONS["static"] == {"parameters": [{"name": "a", "type": "str"}], "returns": "str"}


@pytest.mark.parametrize("name", ["listFunctions", "list_functions", "ListFunctions"])
def test_it_comes_with_the_list_of_functions(math: Parent, name: str) -> None:
    answer = math.ask(name)
    assert list(answer["metadata"]["interface"]["functions"]) == answer["result"]


def test_a_parent_is_told() -> None:
    async def test() -> None:
        async with ParentWorker.spawn(EXAMPLE) as worker:
            interface = await worker.describe()
            assert interface and interface["functions"]["factorial"]["returns"] == "int"

    asyncio.run(test())
