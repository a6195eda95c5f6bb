"""What to run: from a script's path to a command line, with what is missing said before anything runs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Exit, SpawnError

NODE_WITH_TYPES = (22, 18)
"""The first Node that runs TypeScript by itself."""


@dataclass(frozen=True)
class Command:
    """A command line ready to run."""

    words: tuple[str, ...]
    cwd: Path
    env: dict[str, str]
    """Variables that this kind of program needs, beside the caller's."""

    def __str__(self) -> str:
        return shlex.join(self.words)


def plan(script: str | Path, executable: str | Sequence[str] | None, args: Sequence[str], cwd: str | Path) -> Command:
    """Raises `SpawnError`: ``SCRIPT_NOT_FOUND``, ``NO_TYPESCRIPT_RUNNER``, or ``SPAWN_FAILED`` for a wrong `cwd`.

    A script is not looked for where the executable has leading arguments, which may take something else than a file.
    """
    folder = Path(cwd).absolute()
    if not folder.is_dir():
        raise refused("SPAWN_FAILED", f"The working directory {folder} does not exist. Check the option cwd.", script)
    leading = [executable] if isinstance(executable, str) else executable
    if leading is None or len(leading) < 2:
        path = folder / script
        if not path.exists():
            raise refused(
                "SCRIPT_NOT_FOUND",
                f"There is no worker script at {path}. A relative path starts from {folder}; to start from the "
                "calling file use Path(__file__).parent / 'worker.py'.",
                script,
            )
        script = path
    if leading is None:
        leading = _runner(Path(script))
    # Python holds back what it prints to a pipe, otherwise, until 8 KiB have come together.
    env = {"PYTHONUNBUFFERED": "1"} if str(script).endswith(".py") else {}
    return Command((*leading, str(script), *args), folder, env)


def _runner(script: Path) -> list[str]:
    """How scripts of a kind are run, by extension; anything else is run itself."""
    extension = script.suffix.lower()
    if extension == ".py":
        return [sys.executable]
    if extension in (".js", ".mjs", ".cjs"):
        return ["node"]
    if extension in (".ts", ".mts", ".cts"):
        return _typescript_runner(script)
    return ["go", "run"] if extension == ".go" else []


def _typescript_runner(script: Path) -> list[str]:
    local = next((found for folder in script.parents if (found := folder / "node_modules/.bin/tsx").exists()), None)
    if runner := local or shutil.which("tsx"):
        return [str(runner)]
    if _node_version() >= NODE_WITH_TYPES:
        return ["node"]
    raise refused(
        "NO_TYPESCRIPT_RUNNER",
        f"{script} is TypeScript, which this Node cannot run by itself. Install tsx (npm install --save-dev tsx), "
        "use Node 22.18 or later, or spawn the compiled .js file.",
        script,
    )


def _node_version() -> tuple[int, ...]:
    try:
        told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
        return tuple(int(part) for part in told.strip().removeprefix("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return (0,)


def refused(code: str, message: str, command: object) -> SpawnError:
    """The error for a worker that never ran."""
    return SpawnError(
        code, message, Exit(None, None, "", os.fspath(command) if isinstance(command, Path) else f"{command}")
    )
