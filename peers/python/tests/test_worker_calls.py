"""A worker answers calls: results, errors, refusals and concurrency."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import EDGE, Bench, RawParent


def refusal(parent: RawParent, **fields: Any) -> tuple[str, str]:
    answer = parent.answer(parent.send("call", **fields))
    assert answer["type"] == "error"
    detail = answer["metadata"]["error"]
    assert answer["error"] == detail["message"]
    assert "stack" not in detail
    return detail["code"], detail["message"]


def test_a_call_is_answered_under_its_id(math: RawParent) -> None:
    answer = math.ask("add", 1, 2)
    assert answer.pop("timestamp") == pytest.approx(time.time(), abs=60)
    assert answer == {"app": "comlink_ipc_v3", "id": answer["id"], "type": "response", "result": 3}


def test_none_is_sent_as_nil(math: RawParent) -> None:
    answer = math.ask("echo", None)
    assert "result" in answer and answer["result"] is None


def test_a_call_without_args_and_with_an_integer_timestamp_is_accepted(edge: RawParent) -> None:
    message_id = edge.send("call", function="inherited", timestamp=1, clientName="old", extra={"a": 1})
    assert edge.answer(message_id)["result"] == "inherited"


def test_an_exception_is_answered_with_name_message_and_traceback(math: RawParent) -> None:
    answer = math.ask("divide", 1, 0)
    detail = answer["metadata"]["error"]
    assert answer["type"] == "error"
    assert answer["error"].startswith("ZeroDivisionError: division by zero\nTraceback (most recent call last):\n")
    assert (detail["name"], detail["message"]) == ("ZeroDivisionError", "division by zero")
    assert detail["stack"].startswith("Traceback (most recent call last):") and "in divide" in detail["stack"]
    assert "code" not in detail
    assert math.call("add", 1, 1) == 2


def test_wrong_arguments_are_answered_with_a_type_error(math: RawParent) -> None:
    assert math.ask("add", 1)["error"].startswith("TypeError: MathWorker.add() missing 1 required")


@pytest.mark.parametrize("name", ["listFunctions", "list_functions", "ListFunctions"])
def test_the_methods_are_listed_under_each_of_the_three_names(math: RawParent, name: str) -> None:
    names = ["add", "async_double", "divide", "echo", "factorial", "greet", "print_lines", "slow"]
    assert math.call(name) == names


def test_inherited_and_static_methods_are_listed_and_overridden_base_methods_are_not(edge: RawParent) -> None:
    names = edge.call("listFunctions")
    assert {"inherited", "static"} <= set(names)
    assert not {"stop", "run", "start", "size", "limit", "Settings", "list_functions"} & set(names)
    assert edge.call("static", 5) == 5


def test_a_worker_may_use_private_attribute_names_freely(edge: RawParent) -> None:
    assert edge.call("private_attributes") == ["of the subclass"] * 3


@pytest.mark.parametrize("name", ["_x", "__init__", "__class__", "_loop"])
def test_a_private_method_is_refused(edge: RawParent, name: str) -> None:
    assert refusal(edge, function=name) == ("PRIVATE_METHOD", f"Cannot call private method '{name}'")


@pytest.mark.parametrize("name", ["x", "run", "start", "stop", "namespace", "stop_timeout", "constructor", "toString"])
def test_an_unknown_or_base_class_method_is_not_found(edge: RawParent, name: str) -> None:
    assert refusal(edge, function=name, args=[]) == ("FUNCTION_NOT_FOUND", f"Function '{name}' not found")
    assert edge.call("inherited") == "inherited"


def test_a_misspelt_name_is_answered_with_the_nearest_name(math: RawParent) -> None:
    code, message = refusal(math, function="fctorial", args=[3])
    assert (code, message) == ("FUNCTION_NOT_FOUND", "Function 'fctorial' not found; did you mean 'factorial'?")


@pytest.mark.parametrize("name", ["limit", "size", "Settings"])
def test_a_member_that_is_not_a_method_is_refused(edge: RawParent, name: str) -> None:
    assert refusal(edge, function=name) == ("NOT_CALLABLE", f"'{name}' is not callable")


@pytest.mark.parametrize("fields", [{}, {"function": ""}, {"function": None}])
def test_a_call_without_a_function_is_refused(math: RawParent, fields: dict[str, Any]) -> None:
    assert refusal(math, **fields) == ("MISSING_FUNCTION", "Message missing 'function' field")


def test_a_call_whose_args_or_name_have_the_wrong_type_is_refused(math: RawParent) -> None:
    assert refusal(math, function="add", args={"a": 1})[0] == "MALFORMED_MESSAGE"
    assert refusal(math, function=5)[0] == "MALFORMED_MESSAGE"


def test_a_call_for_another_namespace_is_refused(bench: Bench) -> None:
    parent, _ = bench.spawn(EDGE, TEST_NAMESPACE="mine")
    expected = ("WRONG_NAMESPACE", "No namespace 'other' here; this worker's is 'mine'")
    assert refusal(parent, function="inherited", namespace="other") == expected
    assert refusal(parent, function="inherited")[1] == "No namespace 'default' here; this worker's is 'mine'"
    assert parent.ask("inherited", namespace="mine")["result"] == "inherited"


def test_a_call_for_another_namespace_can_be_ignored(bench: Bench) -> None:
    parent, _ = bench.spawn(EDGE, TEST_NAMESPACE="mine", TEST_OTHER_NAMESPACES="ignore")
    ignored = parent.send("call", function="inherited", namespace="other")
    assert parent.ask("inherited", namespace="mine")["result"] == "inherited"
    parent.answer(parent.send("heartbeat"))
    assert ignored not in {message["id"] for message in parent.messages}


def test_async_methods_run_at_once(edge: RawParent) -> None:
    ids = [edge.send("call", function="meet", args=[100]) for _ in range(100)]
    assert [edge.answer(message_id)["result"] for message_id in ids] == [100] * 100


def test_async_methods_fail_like_plain_ones_and_awaitable_results_are_awaited(edge: RawParent, math: RawParent) -> None:
    assert edge.ask("async_fail")["error"].startswith("KeyError: 'gone'\nTraceback (most recent call last):\n")
    assert edge.call("later") == "awaited"
    assert math.call("async_double", 2.5) == 5


def test_a_method_that_exits_or_fails_oddly_does_not_end_the_worker(edge: RawParent) -> None:
    assert edge.ask("leave")["metadata"]["error"]["name"] == "SystemExit"
    assert "cannot be read" in edge.ask("unreadable")["error"]
    assert "code" not in edge.ask("wrong_code")["metadata"]["error"]
    assert edge.call("inherited") == "inherited"


def test_each_of_ten_thousand_calls_at_once_gets_its_own_answer(math: RawParent) -> None:
    ids = [math.send("call", function="echo", args=[n]) for n in range(10_000)]
    answers = {answer["id"]: answer["result"] for answer in (math.receive() for _ in ids)}
    assert [answers[message_id] for message_id in ids] == list(range(10_000))


def test_plain_methods_run_one_at_a_time_in_the_main_thread(edge: RawParent) -> None:
    ids = [edge.send("call", function="nap", args=[n]) for n in range(20)]
    assert [edge.receive()["id"] for _ in ids] == ids
    assert edge.call("most_at_once") == 1
    assert edge.call("thread_name") == "MainThread"
    assert edge.call("async_thread_name") != "MainThread"


def test_plain_methods_run_in_as_many_threads_as_the_worker_asks_for(bench: Bench) -> None:
    edge, _ = bench.spawn(EDGE, TEST_THREADS="20")
    ids = [edge.send("call", function="meet_in_threads", args=[20]) for _ in range(20)]
    assert [edge.answer(message_id)["result"] for message_id in ids] == [20] * 20


def test_a_max_concurrency_of_1_runs_calls_strictly_in_order(bench: Bench) -> None:
    parent, _ = bench.spawn(EDGE, TEST_MAX_CONCURRENCY="1")
    names = ["nap", "static", "nap_async", "static"] * 5
    ids = [parent.send("call", function=name, args=[n]) for n, name in enumerate(names)]
    answers = [parent.receive() for _ in ids]
    assert [answer["id"] for answer in answers] == ids
    assert [answer["result"] for answer in answers] == list(range(20))
    assert parent.call("most_at_once") == 1


def test_calls_beyond_max_pending_are_refused(bench: Bench, tmp_path: Path) -> None:
    parent, _ = bench.spawn(EDGE, TEST_MAX_PENDING="3")
    held = [parent.send("call", function="sleep_until", args=[str(tmp_path / "go")]) for _ in range(3)]
    parent.answer(parent.send("heartbeat"))
    expected = ("OVERLOADED", "Too many calls are waiting here (max_pending 3); call again later")
    assert refusal(parent, function="inherited") == expected
    (tmp_path / "go").touch()
    assert [parent.answer(message_id)["result"] for message_id in held] == ["woken"] * 3
    assert parent.call("inherited") == "inherited"


def test_short_and_long_methods_take_turns(math: RawParent) -> None:
    assert math.call("slow", 0.05) == 0.05
    assert [math.call("slow", 0) for _ in range(50)] == [0] * 50
    assert math.call("slow", 0.05) == 0.05


def test_each_of_two_parents_gets_its_own_answers(bench: Bench) -> None:
    first, _ = bench.serve("shared")
    second = bench.parent(first.port)
    ids = [[parent.send("call", function="echo", args=[n]) for n in range(500)] for parent in (first, second)]
    for parent, own in zip((first, second), ids, strict=True):
        assert {parent.receive()["id"] for _ in own} == set(own)


def test_a_worker_may_use_the_names_of_class_options_for_attributes_and_methods(edge: RawParent) -> None:
    assert edge.call("own_threads") == ["mine"]
    assert edge.call("transport") == "a method"


@pytest.mark.parametrize("threads", ["1", "3"])
def test_calls_of_every_kind_and_heartbeats_are_all_answered_once(bench: Bench, threads: str) -> None:
    """The environment variable STRESS sets the number of rounds. Default: 5."""
    parent, _ = bench.spawn(EDGE, TEST_THREADS=threads)
    rng = random.Random(int(threads))
    methods: list[tuple[str, tuple[Any, ...], Any]] = [
        ("static", (1,), 1),
        ("compute", (0.0005,), 0.0005),
        ("compute", (0.04,), 0.04),
        ("nap", (2,), 2),
        ("meet", (1,), 1),
        ("rest", (0.001,), 0.001),
        ("later", (), "awaited"),
        ("inherited", (), "inherited"),
    ]
    weights = [40, 10, 1, 3, 20, 10, 10, 20]
    for _ in range(int(os.environ.get("STRESS", "5"))):
        expected: dict[str, Any] = {}
        for _ in range(rng.choice([1, 10, 300])):
            if rng.random() < 0.1:
                expected[parent.send("heartbeat")] = None
            else:
                name, args, result = rng.choices(methods, weights)[0]
                expected[parent.send("call", function=name, args=list(args))] = result
            if rng.random() < 0.01:
                time.sleep(0.02)
        answers = [parent.receive() for _ in expected]
        assert sorted(answer["id"] for answer in answers) == sorted(expected)
        assert all(answer["type"] == "heartbeat" or answer["result"] == expected[answer["id"]] for answer in answers)
    assert not parent.socket.poll(50)
