"""The wheel, installed in an empty virtual environment: what users get. Needs the package index, so it is run apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

PEER = Path(__file__).resolve().parents[1]

WORKER = """\
import sys
from multifrost import ChildWorker

class Worker(ChildWorker):
    def add(self, a: int, b: int) -> int:
        return a + b

    def imported(self) -> list[str]:
        return sorted(sys.modules)

if __name__ == "__main__":
    Worker().run()
"""

PARENT = """\
import json
from multifrost.sync import ParentWorker

with ParentWorker.spawn("worker.py") as worker:
    print(json.dumps([worker.call.add(1, 2), worker.call.imported()]))
"""

CONSUMER = """\
import multifrost
from multifrost import ChildWorker, ParentWorker, RemoteCallError

class Worker(ChildWorker):
    def add(self, a: int, b: int) -> int:
        return a + b

async def use(worker: ParentWorker, error: RemoteCallError) -> None:
    reveal_type(worker.pid)
    reveal_type(error.function_name)
    reveal_type(Worker().list_functions())
    reveal_type(multifrost.Options)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a virtual environment `venv` that has the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, PEER)
    run(sys.executable, "-m", "venv", folder / "venv")
    run(folder / "venv/bin/pip", "install", "--quiet", *folder.glob("*.whl"))
    return folder


def run(*command: Any, cwd: Path | None = None, **env: str) -> str:
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MULTIFROST_TRANSPORT")
    }
    words: Sequence[str] = [*map(str, command)]
    done = subprocess.run(words, cwd=cwd, env={**inherited, **env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_msgpack_is_all_that_comes_with_it(installed: Path) -> None:
    listed = json.loads(run(installed / "venv/bin/pip", "list", "--format", "json"))
    assert {package["name"] for package in listed} - {"pip", "setuptools"} == {"msgpack", "multifrost"}


def test_the_wheel_has_types_a_licence_and_no_tests(installed: Path) -> None:
    (wheel,) = installed.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "multifrost/py.typed" in names
    assert any(name.endswith("/LICENSE") for name in names)
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"multifrost"}


def test_a_parent_calls_a_worker_that_imports_only_what_it_needs(installed: Path) -> None:
    (installed / "worker.py").write_text(WORKER)
    (installed / "parent.py").write_text(PARENT)
    total, imported = json.loads(run(installed / "venv/bin/python", "parent.py", cwd=installed))
    assert total == 3
    assert "msgpack" in imported
    too_much = {"zmq", "asyncio", "logging", "inspect", "dataclasses", "multifrost._registry", "multifrost._parent"}
    assert too_much.intersection(imported) == set()


def test_a_type_checker_sees_the_types(installed: Path) -> None:
    (installed / "consumer.py").write_text(CONSUMER)
    python = installed / "venv/bin/python"
    checked = run(sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "consumer.py", cwd=installed)
    revealed = [line.partition("Revealed type is ")[2] for line in checked.splitlines() if "Revealed" in line]
    assert len(revealed) == 4
    assert not any("Any" in kind for kind in revealed)


def test_the_transport_zeromq_says_what_to_install(installed: Path) -> None:
    (installed / "service.py").write_text(WORKER.replace("Worker()", 'Worker("packed")'))
    command = [str(installed / "venv/bin/python"), "service.py"]
    env = {**os.environ, "MULTIFROST_TRANSPORT": "zeromq", "HOME": str(installed)}
    done = subprocess.run(command, cwd=installed, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'multifrost[zeromq]'" in done.stderr
