"""Every fenced block of the README is run or checked, and a block that nothing covers fails.

Comments before blocks, ``<!-- check: … -->``, say how: see ``docs/testing.md``.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
TIME_LIMIT = 30.0


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    checks: dict[str, str]

    @property
    def name(self) -> str:
        """The file name in the first line, such as ``# main.py``; empty without one."""
        named = re.match(r"# (\w+\.py)\n", self.code)
        return named[1] if named else ""


def blocks() -> list[Block]:
    found = re.finditer(r"(?:<!-- check: (.*?) -->\n\n)?^```(\w*)\n(.*?)^```$", README.read_text("utf-8"), re.M | re.S)
    return [Block(language, code, checks_of(comment or "")) for comment, language, code in (m.groups() for m in found)]


def checks_of(comment: str) -> dict[str, str]:
    parts = [part.partition(":") for part in comment.split("; ") if part]
    return {name: value.strip() for name, _, value in parts}


PYTHON = [block for block in blocks() if block.language == "python"]
PROGRAMS = [block for block in PYTHON if "run" in block.checks]
SERVICES = [block for block in PYTHON if "service" in block.checks]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with all Python blocks as files, where the services of the README run."""
    made = tmp_path_factory.mktemp("readme")
    for block in PYTHON:
        (made / block.name).write_text(block.code, "utf-8")
    services = [start(made, block.name) for block in SERVICES]
    yield made
    for service in services:
        service.send_signal(signal.SIGTERM)
    assert [(service.communicate(timeout=TIME_LIMIT)[1], service.returncode) for service in services] == [("", 0)]


def start(folder: Path, name: str) -> subprocess.Popen[str]:
    package = str(README.parent)
    env = {**os.environ, "HOME": str(folder), "PYTHONPATH": package}
    return subprocess.Popen(
        [sys.executable, name], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("block", PROGRAMS, ids=[block.name for block in PROGRAMS])
def test_a_program_of_the_readme_runs_and_prints_what_it_says(folder: Path, block: Block) -> None:
    program = start(folder, block.name)
    out, err = program.communicate(timeout=TIME_LIMIT)
    assert (err, program.returncode) == ("", 0)
    if "prints" in block.checks:
        assert out.strip() == block.checks["prints"]
    assert all(part in out for part in block.checks.get("contains", "").split(" | "))


@pytest.mark.parametrize("block", [block for block in blocks() if block.language == "sh"])
def test_the_commands_of_the_readme_parse(block: Block) -> None:
    checked = subprocess.run(["sh", "-n"], input=block.code, capture_output=True, text=True, check=False)
    assert checked.stderr == ""


def test_every_block_of_the_readme_is_run_or_checked() -> None:
    for block in blocks():
        if block.language == "python":
            used = any(f'"{block.name}"' in other.code for other in PROGRAMS)
            assert block in PROGRAMS or block in SERVICES or used, f"nothing runs {block.name or block.code}"
        elif block.language == "ts":
            assert "run" in block.checks, "test/fenced-blocks.test.ts runs only blocks with `check: run`"
        else:
            assert block.language == "sh", f"nothing checks a block in {block.language or 'no language'}"
