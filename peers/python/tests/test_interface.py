"""A worker describes its methods: parameters, types and documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import numpy
import numpy.typing
import pytest
from conftest import EXAMPLE, RawParent

from multifrost import ChildWorker, ParentWorker
from multifrost._child.method_table import MethodTable

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

        This paragraph is not part of the description.
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


INTERFACE = MethodTable(Typed(), ChildWorker).interface
FUNCTIONS: dict[str, Any] = INTERFACE["functions"]


def types_of(name: str) -> list[Any]:
    return [parameter.get("type") for parameter in FUNCTIONS[name]["parameters"]]


def test_the_interface_names_the_language_and_lists_methods_in_order() -> None:
    assert INTERFACE["language"] == "python"
    assert list(FUNCTIONS) == sorted(FUNCTIONS)


def test_a_method_without_type_hints_has_its_parameters_described() -> None:
    names = [{"name": "a"}, {"name": "b", "optional": True}, {"name": "rest", "rest": True}]
    assert FUNCTIONS["plain"] == {"parameters": names}


def test_scalar_types_and_the_first_paragraph_of_the_docstring_are_described() -> None:
    assert types_of("scalars") == ["int", "float", "str", "bool", "bytes", "time", "nil"]
    assert FUNCTIONS["scalars"]["returns"] == "nil"
    assert FUNCTIONS["scalars"]["doc"] == "Takes one of each."


def test_container_types_are_described() -> None:
    expected = [{"list": "int"}, {"map": "any"}, {"tuple": ["int", "str"]}]
    assert types_of("containers") == [*expected, {"list": "int"}, {"list": "str"}, {"list": "int"}]
    assert FUNCTIONS["containers"]["returns"] == {"map": {"list": "float"}}


def test_unions_and_literals_are_described() -> None:
    nilable = {"union": ["int", "nil"]}
    assert types_of("unions") == [nilable, {"union": ["int", "str", "nil"]}, nilable]
    assert FUNCTIONS["unions"]["parameters"][2]["optional"] is True
    assert FUNCTIONS["unions"]["returns"] == {"union": [{"literal": "x"}, {"literal": 5}, "nil"]}


def test_numpy_arrays_are_described_as_bytes() -> None:
    assert types_of("arrays") == ["bytes", "bytes"]
    assert FUNCTIONS["arrays"]["returns"] == "int"


def test_dataclasses_and_typed_dicts_are_described_once_and_may_refer_to_themselves() -> None:
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


def test_an_awaitable_result_is_described_by_the_type_it_yields() -> None:
    assert FUNCTIONS["later"]["returns"] == FUNCTIONS["awaitable"]["returns"] == "int"


def test_type_hints_that_cannot_be_resolved_are_left_out() -> None:
    expected = [{"name": "a"}, {"name": "b"}, {"name": "c", "type": "int"}]
    assert FUNCTIONS["unresolved"] == {"parameters": expected}


def test_a_static_method_is_described() -> None:
    assert FUNCTIONS["static"] == {"parameters": [{"name": "a", "type": "str"}], "returns": "str"}


@pytest.mark.parametrize("name", ["listFunctions", "list_functions", "ListFunctions"])
def test_the_interface_comes_with_the_list_of_methods(math: RawParent, name: str) -> None:
    answer = math.ask(name)
    assert list(answer["metadata"]["interface"]["functions"]) == answer["result"]


def test_describe_returns_the_interface_to_a_parent() -> None:
    async def test() -> None:
        async with ParentWorker.spawn(EXAMPLE) as worker:
            interface = await worker.describe()
            assert interface and interface["functions"]["factorial"]["returns"] == "int"

    asyncio.run(test())
