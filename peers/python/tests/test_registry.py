"""The service registry and its three locks, through real services and directly."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from conftest import EDGE, EXAMPLE, Bench, until

from multifrost import Registry, RegistryError
from multifrost._registry_locks import all_locks, is_alive

LOCKS = ["services.json.lock", "registry.lock", "services.lock"]


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def folder(home: Path) -> Path:
    made = home / ".multifrost"
    made.mkdir(mode=0o700, exist_ok=True)
    return made


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_service_registers_and_unregisters(bench: Bench, how: signal.Signals) -> None:
    folder(bench.home).joinpath("services.json").write_text('{"other": {"port": 1, "start_time": "x"}, "odd": 5}')
    parent, process = bench.serve("adder")
    entry = bench.services()["adder"]
    assert entry == {"port": parent.port, "pid": process.pid, "started": entry["started"]}
    assert datetime.fromisoformat(entry["started"].replace("Z", "+00:00")).tzinfo
    assert parent.call("add", 2, 3) == 5
    process.send_signal(how)
    assert process.wait(10) == 0
    assert bench.services() == {"other": {"port": 1, "start_time": "x"}, "odd": 5}
    assert sorted(path.name for path in folder(bench.home).iterdir()) == ["services.json"]


@pytest.mark.parametrize("allowed", [False, True])
def test_a_shutdown_message_ends_a_service_only_if_it_allows_that(bench: Bench, allowed: bool) -> None:
    process = bench.start(EDGE, "closable", TEST_ALLOW_REMOTE_SHUTDOWN="1" if allowed else "")
    parent = bench.parent(until(lambda: bench.services().get("closable"))["port"])
    assert parent.call("pid") == process.pid
    parent.send("shutdown")
    if allowed:
        assert process.wait(10) == 0
        assert "closable" not in bench.services()
    else:
        assert parent.call("pid") == process.pid
        assert parent.call("inherited") == "inherited"


def test_the_registry_is_accessible_only_to_its_owner(tmp_path: Path) -> None:
    Registry(str(tmp_path)).register("a", 5000)
    assert stat.S_IMODE((tmp_path / ".multifrost").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / ".multifrost" / "services.json").stat().st_mode) == 0o600


def test_a_taken_service_id_is_reported_in_one_line_with_exit_code_1(bench: Bench) -> None:
    parent, first = bench.serve("taken")
    second = bench.start(EXAMPLE, "taken")
    _, err = second.communicate(timeout=10)
    assert second.returncode == 1
    assert err == (
        f"multifrost: Service 'taken' is already running: pid {first.pid}, port {parent.port}. "
        "Stop it first, or use another service id.\n"
    )
    assert bench.services()["taken"]["pid"] == first.pid


def test_the_entry_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    services = folder(tmp_path) / "services.json"
    services.write_text(json.dumps({"a": {"port": 1, "pid": dead_pid()}}))
    Registry(str(tmp_path)).register("a", 5000)
    assert json.loads(services.read_text())["a"]["pid"] == os.getpid()


def test_the_entry_of_another_process_is_not_removed(tmp_path: Path) -> None:
    services = folder(tmp_path) / "services.json"
    services.write_text(json.dumps({"a": {"port": 1, "pid": os.getppid()}}))
    Registry(str(tmp_path)).unregister("a")
    assert "a" in json.loads(services.read_text())


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"", b"[" * 100_000])
def test_a_corrupt_registry_is_moved_aside(tmp_path: Path, content: bytes) -> None:
    services = folder(tmp_path) / "services.json"
    services.write_bytes(content)
    Registry(str(tmp_path)).register("a", 5000)
    assert list(json.loads(services.read_text())) == ["a"]
    (aside,) = services.parent.glob("services.json.corrupt-*")
    assert aside.read_bytes() == content


def test_an_unusable_registry_is_reported_in_one_line_with_exit_code_1(bench: Bench) -> None:
    (bench.home / ".multifrost").write_text("a file where the folder should be")
    process = bench.start(EXAMPLE, "svc")
    _, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert err.startswith("multifrost: The service registry ") and err.count("\n") == 1


def test_all_three_locks_are_held_and_released(tmp_path: Path) -> None:
    with all_locks(tmp_path):
        assert (tmp_path / LOCKS[0]).is_dir()
        assert [(tmp_path / name).read_text() for name in LOCKS[1:]] == [str(os.getpid())] * 2
    assert not list(tmp_path.iterdir())


def take(lock: Path, pid: int) -> None:
    if lock.name == LOCKS[0]:
        lock.mkdir()
    else:
        lock.write_text(str(pid))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_held_for_too_long_is_named(tmp_path: Path, name: str) -> None:
    take(tmp_path / name, os.getppid())
    with pytest.raises(RegistryError, match=name) as caught, all_locks(tmp_path, timeout=0.1):
        pass
    assert caught.value.code == "LOCK_TIMEOUT"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", LOCKS)
def test_an_old_lock_is_removed(tmp_path: Path, name: str) -> None:
    take(tmp_path / name, os.getppid())
    os.utime(tmp_path / name, (time.time() - 11, time.time() - 11))
    with all_locks(tmp_path, timeout=1):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", LOCKS[1:])
def test_the_lock_of_a_dead_process_is_removed(tmp_path: Path, name: str) -> None:
    take(tmp_path / name, dead_pid())
    with all_locks(tmp_path, timeout=1):
        pass
    assert not list(tmp_path.iterdir())


def test_only_the_id_of_a_running_process_counts_as_alive() -> None:
    assert is_alive(os.getpid())
    assert is_alive(1)
    assert not any(is_alive(pid) for pid in (dead_pid(), 0, -1, True, None, "1", 2**70))


def test_services_that_start_and_stop_at_once_do_not_lose_entries(bench: Bench) -> None:
    names = [f"service-{n}" for n in range(6)]
    processes = [bench.start(EXAMPLE, name) for name in names]
    deadline = time.monotonic() + 20
    while set(bench.services()) != set(names):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for process in processes:
        process.terminate()
    assert [process.wait(15) for process in processes] == [0] * 6
    assert bench.services() == {}
