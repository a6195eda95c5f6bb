"""Every option is checked where it is given."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy
import pytest

from multifrost import ChildWorker, LaunchError, Limits, MultifrostError, ParentWorker, Registry, sync
from multifrost._child.child_worker import _RULES as CHILD_RULES
from multifrost._parent.options import _RULES, GivenOptions, Options

WRONG: list[Any] = [
    "false", "5s", "", " 5", b"5",
    5j, Decimal(1), math.nan, -1, -0.5, [], [1], (), {}, {"a": 1}, {1: "a"}, set(), object(),
    int, Path("x"), lambda: 1, range(3), bytearray(b"x"), memoryview(b"x"), Ellipsis, NotImplemented, math.inf, 10**30,
    numpy.array([1]), numpy.float32("nan"), True, False, None, 0, 1, 2.5, "x",
]  # fmt: skip

ACCEPTED: dict[str, Iterable[Any]] = {
    "name": ("false", "5s", " 5", "x", None),
    "default_timeout": (math.inf, 10**30, 1, 2.5, None),
    "auto_restart": (True, False),
    "max_restart_attempts": (10**30, 1),
    "heartbeat_interval": (math.inf, 10**30, 0, 1, 2.5),
    "heartbeat_timeout": (math.inf, 10**30, 1, 2.5),
    "heartbeat_max_misses": (10**30, 1),
    "stall_timeout": (math.inf, 10**30, 0, 1, 2.5),
    "circuit_reset_timeout": (math.inf, 10**30, 0, 1, 2.5),
    "restart_backoff": (math.inf, 10**30, 0, 1, 2.5),
    "restart_window": (math.inf, 10**30, 0, 1, 2.5),
    "start_timeout": (math.inf, 10**30, 1, 2.5),
    "stop_timeout": (math.inf, 10**30, 0, 1, 2.5),
    "max_pending": (10**30, 1),
    "namespace": ("false", "5s", " 5", "x"),
    "client_name": ("false", "5s", " 5", "x", None),
    "is_failure": (int, "function", None),
    "on_stdout": (int, "function", None),
    "on_stderr": (int, "function", None),
    "args": ([], ()),
    "cwd": ("false", "5s", " 5", Path("x"), "x", None),
    "env": ({},),
    "registry": (),
    "app": ("false", "5s", " 5", "x"),
    "limits": (),
    "transport": (),
}


def is_accepted(name: str, value: object) -> bool:
    kinds = ACCEPTED[name]
    if callable(value) and not isinstance(value, type) and not isinstance(value, Path):
        return "function" in kinds
    return any(type(value) is type(one) and value == one for one in kinds if one is not value) or any(
        value is one for one in kinds
    )


@pytest.mark.parametrize("name", ACCEPTED)
def test_each_wrong_value_of_a_parents_option_is_an_error_that_names_it(name: str) -> None:
    for value in WRONG:
        options: dict[str, Any] = {name: value}
        if is_accepted(name, value):
            ParentWorker.spawn("x.py", **options)
            continue
        with pytest.raises(MultifrostError, match=rf"^{name} must be ") as caught:
            ParentWorker.spawn("x.py", **options)
        assert caught.value.code == "INVALID_OPTION"
        assert repr(value)[:50] in str(caught.value)


def test_every_option_has_a_rule_and_a_type() -> None:
    names = {field.name for field in fields(Options)}
    assert names == set(ACCEPTED)
    assert names - {"limits"} == set(_RULES)
    assert names == set(GivenOptions.__annotations__)


def test_an_unknown_option_is_an_error_with_the_nearest_name() -> None:
    options: dict[str, Any] = {"autoRestart": True}
    with pytest.raises(MultifrostError, match=r"no option 'autoRestart'. Did you mean 'auto_restart'?") as caught:
        ParentWorker.spawn("x.py", **options)
    assert caught.value.code == "INVALID_OPTION"
    with pytest.raises(MultifrostError, match=r"Did you mean 'default_timeout'?"):
        sync.ParentWorker.spawn("x.py", defaultTimeout=1)  # type: ignore[call-arg]


def test_a_text_is_no_list_of_texts() -> None:
    with pytest.raises(MultifrostError, match="args must be a list of texts, not '--fast'"):
        ParentWorker.spawn("x.py", args="--fast")
    with pytest.raises(MultifrostError, match=r"args must be a list of texts, not \[8080\]"):
        ParentWorker.spawn("x.py", args=[8080])  # type: ignore[list-item]


def test_what_a_worker_is_spawned_from_is_checked() -> None:
    for script in ("", None, 3):
        with pytest.raises(MultifrostError, match=r"^script must be a path"):
            ParentWorker.spawn(script)  # type: ignore[arg-type]
    for executable in ("", [], 3, ["python3", 3]):
        with pytest.raises(MultifrostError, match=r"^executable must be a program"):
            ParentWorker.spawn("x.py", executable)  # type: ignore[arg-type]


def test_what_a_parent_connects_to_is_checked(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path))
    for service_id in ("", None, 3, "a\nb", "x" * 256):
        with pytest.raises(MultifrostError, match=r"^service_id must be a text of 1 to 255 characters"):
            asyncio.run(ParentWorker.connect(service_id, registry=registry))  # type: ignore[arg-type]
    for timeout in (0, -1, math.nan, "5", None):
        with pytest.raises(MultifrostError, match=r"^timeout must be a number of seconds above 0"):
            asyncio.run(ParentWorker.connect("x", timeout, registry=registry))  # type: ignore[arg-type]


def test_the_options_of_a_call_are_checked() -> None:
    worker = ParentWorker.spawn("x.py")
    for wrong in ({"timeout": "5"}, {"timeout": 0}, {"timeout": True}, {"namespace": ""}, {"client_name": 3}):
        with pytest.raises(MultifrostError, match=rf"^{next(iter(wrong))} must be ") as caught:
            worker.with_options(**wrong)
        assert caught.value.code == "INVALID_OPTION"
        with pytest.raises(MultifrostError, match=rf"^{next(iter(wrong))} must be "):
            sync.ParentWorker(worker).call_function("add", [1], **wrong)
    with pytest.raises(MultifrostError, match=r"^args must be a list, not 'ab'"):
        asyncio.run(worker.call_function("add", "ab"))
    with pytest.raises(MultifrostError, match=r"^name must be a text, not 3"):
        asyncio.run(worker.call_function(3))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CHILD_RULES)
def test_each_wrong_value_of_a_workers_option_is_an_error_that_names_it(
    name: str,
) -> None:
    for value in ([], [1], {"a": 1}, object(), math.nan, -1, b"x", 2.5j):
        kind = type("Worker", (ChildWorker,), {name: value})
        with pytest.raises(LaunchError, match=rf"^{name} must be ") as caught:
            kind().start()
        assert caught.value.code == "INVALID_OPTION"


def test_limits_are_of_their_class() -> None:
    with pytest.raises(MultifrostError, match=r"limits must be multifrost.Limits"):
        ParentWorker.spawn("x.py", limits={"depth": 3})  # type: ignore[arg-type]
    ParentWorker.spawn("x.py", limits=Limits(depth=3))
