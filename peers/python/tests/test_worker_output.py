"""What a worker prints reaches its parents and its log."""

from __future__ import annotations

import pytest
from conftest import EDGE, Bench, RawParent


def test_printed_lines_arrive_before_the_answer(math: RawParent) -> None:
    assert math.call("greet", "Ada") == "Hello, Ada!"
    assert [message["type"] for message in math.messages] == ["stdout", "response"]
    assert math.output("stdout") == ["greeting Ada"]
    assert math.messages[0]["id"] and math.messages[0]["app"] == "comlink_ipc_v3"


def test_both_streams_and_unfinished_lines_arrive(edge: RawParent) -> None:
    edge.call("both")
    assert edge.output("stdout") == ["out", "more", "no end"]
    assert edge.output("stderr") == ["err"]


def test_ten_thousand_lines_arrive_in_order(math: RawParent) -> None:
    assert math.call("print_lines", 10_000) == 10_000
    assert math.output("stdout") == [f"line {n}" for n in range(10_000)]


def test_output_goes_to_every_parent_and_to_the_log_of_a_service(bench: Bench) -> None:
    first, process = bench.serve("talker")
    second = bench.parent(first.port)
    gone = bench.parent(first.port)
    for parent in (first, second, gone):
        assert parent.call("add", 1, 1) == 2
    gone.socket.close()
    first.call("greet", "Bob")
    assert second.receive()["output"] == "greeting Bob"
    assert first.output("stdout") == ["greeting Bob"]
    process.terminate()
    assert process.communicate(timeout=10)[0] == "greeting Bob\n"


@pytest.mark.parametrize("how", ["os.write", "subprocess", "buffer"])
def test_writes_that_bypass_python_go_to_the_parents_and_to_the_log_of_a_service(bench: Bench, how: str) -> None:
    parent, process = bench.serve("raw", EDGE)
    parent.call("raw", how, "grüße")
    while not parent.output("stdout"):
        parent.receive()
    assert parent.output("stdout") == ["grüße"]
    process.terminate()
    assert process.communicate(timeout=10)[0] == "grüße\n"


def test_a_service_loses_no_line_of_a_flood(bench: Bench) -> None:
    parent, process = bench.serve("flood", EDGE)
    parent.call("raw_flood", 4000)  # no more than a pipe holds, because the log is not read meanwhile
    while len(parent.output("stdout")) < 4000:
        parent.receive()
    process.terminate()
    lines = process.communicate(timeout=10)[0].splitlines()
    assert lines == parent.output("stdout") == [f"flood {n}" for n in range(4000)]
