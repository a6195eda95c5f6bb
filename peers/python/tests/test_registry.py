"""The service registry and its three locks, through real services and directly."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import EDGE, EXAMPLE, Bench, until

from multifrost import Registry, RegistryError
from multifrost._heartbeat_probe import answers_heartbeat
from multifrost._liveness import Running, is_alive, judge, own_identity, parse_stat, read_entry
from multifrost._registry_locks import all_locks

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
    assert (entry["port"], entry["pid"]) == (parent.port, process.pid)
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


LIVENESS = json.loads((Path(__file__).resolve().parents[3] / "interop" / "liveness.json").read_text())


def named(cases: list[Any]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize("case", named(LIVENESS["entries"]))
def test_the_liveness_that_all_languages_agree_on(case: Any) -> None:
    entry, system = read_entry(case["entry"]), case["system"]
    running = None if system["running"] is None else Running(system["running"].get("started"))
    judged = entry is not None and judge(entry, system["ownPid"], system["boot"], running)
    assert (system["answers"] if judged is None else judged) == case["live"]


@pytest.mark.parametrize("case", named(LIVENESS["stats"]))
def test_the_state_of_a_process_is_read(case: Any) -> None:
    expected = None if case["running"] is None else Running(case["running"].get("started"))
    assert parse_stat(case["text"]) == expected


def zombie() -> subprocess.Popen[bytes]:
    ended = subprocess.Popen(["true"])
    until(lambda: ") Z " in Path(f"/proc/{ended.pid}/stat").read_text())
    return ended


linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


@linux_only
def test_a_service_starts_again_where_its_pid_came_back(tmp_path: Path) -> None:
    ended = zombie()
    own = {"port": 4000, "pid": os.getpid(), **own_identity()}
    stale = {
        "older": {"port": 45678, "pid": os.getpid(), "started": "2020-01-01T00:00:00.000Z"},
        "process": {**own, "process_started": "1"},
        "boot": {**own, "boot": "00000000-0000-4000-8000-000000000000"},
        "wrong": {**own, "process_started": 7, "boot": None},
        "zombie": {"port": 4000, "pid": ended.pid},
        "other": {**own, "pid": 1},
        "silent": {"port": 1, "pid": os.getppid()},
    }
    services = folder(tmp_path) / "services.json"
    services.write_text(json.dumps(stale))
    registry = Registry(str(tmp_path))
    for name in stale:
        with pytest.raises(RegistryError, match="No service"):
            asyncio.run(registry.discover(name, timeout=0))
        registry.register(name, 5000)
        assert json.loads(services.read_text())[name]["port"] == 5000
        with pytest.raises(RegistryError, match="already running"):
            registry.register(name, 5001)
        assert asyncio.run(registry.discover(name, timeout=0)) == 5000
    ended.wait()


def test_an_older_entry_is_live_if_its_port_answers(bench: Bench) -> None:
    parent, process = bench.serve("adder")
    services = folder(bench.home) / "services.json"
    services.write_text(json.dumps({"adder": {"port": parent.port, "pid": process.pid}}))
    registry = Registry(str(bench.home))
    assert answers_heartbeat(parent.port)
    assert asyncio.run(registry.discover("adder", timeout=0)) == parent.port
    with pytest.raises(RegistryError, match="already running"):
        registry.register("adder", 5000)
    process.send_signal(signal.SIGSTOP)
    registry.register("adder", 5000)
    process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" + b" " * 80, bytes(200), None])
def test_a_port_that_is_no_service_does_not_answer(says: bytes | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while says is None and (echo := connection.recv(1000)):
                    connection.sendall(echo)
                connection.sendall(says or b"")

        thread = threading.Thread(target=serve)
        thread.start()
        assert not answers_heartbeat(server.getsockname()[1])
        thread.join()


@pytest.mark.parametrize("kind", ["a FIFO", "a device", "a directory", "a socket"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    file = folder(tmp_path) / "services.json"
    if kind == "a socket":
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(file))
        listening.close()
    else:
        {"a FIFO": os.mkfifo, "a device": lambda at: at.symlink_to("/dev/zero"), "a directory": Path.mkdir}[kind](file)
    registry = Registry(str(tmp_path))
    for attempt in (lambda: registry.register("a", 5000), lambda: asyncio.run(registry.discover("a"))):
        with pytest.raises(RegistryError, match=f"is {kind}, not a regular file. Remove it") as caught:
            attempt()
        assert caught.value.code == "REGISTRY_UNAVAILABLE"
    assert [path.name for path in file.parent.iterdir()] == ["services.json"]


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_a_folder_that_every_user_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    home = tmp_path / "it's open"
    home.mkdir()
    registry = Registry(str(home))
    registry.register("a", 5000)
    folder(home).chmod(mode)
    for attempt in (lambda: registry.register("b", 5000), lambda: asyncio.run(registry.discover("a"))):
        with pytest.raises(RegistryError, match=f"mode {mode:04o}.*chmod 700 ") as caught:
            attempt()
        assert caught.value.code == "REGISTRY_UNAVAILABLE"
    subprocess.run(["sh", "-c", str(caught.value).partition("then run: ")[2]], check=True)
    assert asyncio.run(registry.discover("a")) == 5000


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(str(tmp_path))
    registry.register("a", 5000)
    user = os.geteuid() + 5
    monkeypatch.setattr(os, "geteuid", lambda: user)
    for attempt in (lambda: registry.register("b", 5000), lambda: asyncio.run(registry.discover("a"))):
        with pytest.raises(RegistryError, match=f"chown -R {user} "):
            attempt()


@pytest.mark.parametrize("home", ["", ".", "relative/home"])
def test_the_registry_is_not_below_the_working_folder(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("HOME", home)
    assert Registry().folder == Path(pwd.getpwuid(os.getuid()).pw_dir) / ".multifrost"


def test_a_look_at_a_file_that_is_being_written_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(str(tmp_path))
    registry.register("a", 5000)
    whole = registry.file.read_bytes()
    registry.file.write_bytes(b"")
    real = json.loads

    def then_written(text: bytes) -> Any:
        registry.file.write_bytes(whole)
        return real(text)

    monkeypatch.setattr("multifrost._registry.json.loads", then_written)
    assert asyncio.run(registry.discover("a", timeout=0)) == 5000
    registry.file.write_bytes(whole[:20])
    registry.register("b", 5000)
    assert set(real(registry.file.read_bytes())) == {"a", "b"}


@pytest.mark.parametrize("name", LOCKS[1:])
@pytest.mark.parametrize(("holder", "stale"), [("parent", False), ("dead", True), ("own", True), ("", True)])
def test_a_lock_dated_in_the_future_is_judged_by_its_holder(
    tmp_path: Path, name: str, holder: str, stale: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = {"parent": os.getppid, "dead": dead_pid, "own": os.getpid}.get(holder)
    (tmp_path / name).write_text("" if pid is None else str(pid()))
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 60)  # the clock was set back since
    if stale:
        with all_locks(tmp_path, timeout=1):
            pass
        assert not list(tmp_path.iterdir())
    else:
        with pytest.raises(RegistryError, match=name), all_locks(tmp_path, timeout=0.1):
            pass


@pytest.mark.parametrize("name", LOCKS[1:])
def test_a_lock_of_an_earlier_process_with_this_pid_is_removed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(str(os.getpid()))
    with all_locks(tmp_path, timeout=1):
        pass
    assert not list(tmp_path.iterdir())


def test_the_folder_lock_is_judged_by_its_note(tmp_path: Path) -> None:
    lock = tmp_path / LOCKS[0]
    lock.mkdir()
    (tmp_path / f"{LOCKS[0]}.holder").write_text(f"{dead_pid()} {lock.stat().st_ino}-1")
    with all_locks(tmp_path, timeout=1):
        pass


def test_a_fifo_in_the_place_of_a_lock_is_a_lock(tmp_path: Path) -> None:
    for name in LOCKS[1:]:
        os.mkfifo(tmp_path / name)
        os.utime(tmp_path / name, (0, 0))
    with all_locks(tmp_path, timeout=1):
        pass


def test_threads_of_one_process_write_one_after_the_other(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path))
    threads = [threading.Thread(target=registry.register, args=(f"s{n}", 5000)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(registry.file.read_text())) == 8
