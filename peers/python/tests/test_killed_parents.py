"""Whatever kills a parent, its workers and what they started end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import runs, until

FAMILY = Path(__file__).with_name("family_worker.py")

PARENT = """
import asyncio, os, sys, time
from multifrost import ParentWorker
async def main():
    worker = ParentWorker.spawn(sys.argv[1])
    await worker.start()
    print(*await worker.call.pids(), flush=True)
    if sys.argv[2] == "forks":
        forked = os.fork()  # has a copy of everything that the parent has
        if forked == 0:
            os.setsid()
            time.sleep(600)
        print(forked, flush=True)
    await worker.call.compute()
asyncio.run(main())
"""


class Family:
    def __init__(self, state: str) -> None:
        # Unbuffered: what the worker prints arrives while the parent lives.
        command = [sys.executable, "-u", "-c", PARENT, str(FAMILY), state]
        self.parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.parent.stdout
        self.worker, self.in_group, self.in_own_session = map(int, self.parent.stdout.readline().split())

    def next_line(self) -> str:
        assert self.parent.stdout
        return self.parent.stdout.readline()

    def end(self) -> None:
        self.parent.kill()
        self.parent.wait()
        assert self.parent.stdout
        self.parent.stdout.close()
        for pid in (self.worker, self.in_group, self.in_own_session):
            if runs(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def family(request: pytest.FixtureRequest) -> Iterator[Family]:
    made = Family(getattr(request, "param", "computes"))
    yield made
    made.end()


@pytest.mark.parametrize("death", ["SIGKILL", "SIGQUIT", "SIGABRT", "SIGSTOP SIGKILL"])
def test_a_worker_that_stays_in_c_and_its_group_end_with_the_parent(family: Family, death: str) -> None:
    assert family.next_line().endswith("computing\n")
    for name in death.split():
        family.parent.send_signal(signal.Signals[name])
    until(lambda: not runs(family.worker))
    until(lambda: not runs(family.in_group))
    assert runs(family.in_own_session)


def test_the_group_ends_where_parent_and_worker_are_killed_together(family: Family) -> None:
    family.parent.send_signal(signal.SIGSTOP)
    os.kill(family.worker, signal.SIGKILL)
    family.parent.kill()
    until(lambda: not runs(family.in_group))
    assert runs(family.in_own_session)


def test_the_group_of_a_worker_that_is_killed_ends(family: Family) -> None:
    os.kill(family.worker, signal.SIGKILL)
    until(lambda: not runs(family.in_group))
    assert runs(family.in_own_session)


@pytest.mark.parametrize("family", ["forks"], indirect=True)
def test_a_forked_child_of_the_parent_does_not_keep_the_worker_alive(family: Family) -> None:
    fork = int(family.next_line())
    try:
        family.parent.kill()
        until(lambda: not runs(family.in_group))
    finally:
        os.kill(fork, signal.SIGKILL)


def test_a_worker_without_a_parent_takes_what_it_started_with_it(tmp_path: Path) -> None:
    variables = {
        "COMLINK_ZMQ_PORT": "1024",
        "COMLINK_WORKER_MODE": "1",
        "MULTIFROST_ENDPOINT": f"ipc://{tmp_path}/gone",
        "MULTIFROST_TOKEN": "0" * 32,
        "MULTIFROST_TRANSPORT": "zmtp",
    }
    code = "import subprocess; print(subprocess.Popen(['sleep', '600'], stdout=2).pid, flush=True); " + (
        f"import runpy; runpy.run_path({str(FAMILY)!r}, run_name='__main__')"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert worker.stdout
    started = int(worker.stdout.readline())
    try:
        until(lambda: not runs(started))
    finally:
        worker.kill()
        worker.wait()
        worker.stdout.close()
