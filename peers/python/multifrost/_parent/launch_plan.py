"""Plans the command line for a script, and reports what is missing before anything runs."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ProcessExit, SpawnError

NODE_WITH_TYPESCRIPT = (22, 18)
"""The first version of Node that runs TypeScript without tsx."""


@dataclass(frozen=True)
class LaunchPlan:
    """A command line, its working directory and its environment."""

    words: tuple[str, ...]
    cwd: Path
    env: dict[str, str]
    """Variables that this kind of program needs. The caller's `env` overrides them."""

    def __str__(self) -> str:
        return shlex.join(self.words)


def plan_launch(
    script: str | Path, executable: str | Sequence[str] | None, args: Sequence[str], cwd: str | Path
) -> LaunchPlan:
    """Plans how to run a script.

    With leading arguments in `executable` the script need not be a file, so it is not checked.

    Raises:
        SpawnError: ``SCRIPT_NOT_FOUND``, ``NO_TYPESCRIPT_RUNNER``, or ``SPAWN_FAILED`` for a missing `cwd`.
    """
    folder = Path(cwd).absolute()
    if not folder.is_dir():
        text = f"The working directory {folder} does not exist. Check the option cwd."
        raise not_started("SPAWN_FAILED", text, script)
    leading = [executable] if isinstance(executable, str) else executable
    if leading is None or len(leading) < 2:
        path = folder / script
        if not path.exists():
            raise not_started(
                "SCRIPT_NOT_FOUND",
                f"There is no worker script at {path}. A relative path starts at {folder}; for a path next to the "
                "calling file use Path(__file__).parent / 'worker.py'.",
                script,
            )
        script = path
    if leading is None:
        leading = _runner(Path(script))
    # Without this variable Python buffers up to 8 KiB of what it prints to a pipe.
    env = {"PYTHONUNBUFFERED": "1"} if str(script).endswith(".py") else {}
    return LaunchPlan((*leading, str(script), *args), folder, env)


def _runner(script: Path) -> list[str]:
    """Returns the program for a script's extension. Any other file is executed itself."""
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
    if _node_version() >= NODE_WITH_TYPESCRIPT:
        return ["node"]
    raise not_started(
        "NO_TYPESCRIPT_RUNNER",
        f"{script} is TypeScript, which this version of Node cannot run. Install tsx (npm install --save-dev tsx), "
        "use Node 22.18 or later, or spawn the compiled .js file.",
        script,
    )


def _node_version() -> tuple[int, ...]:
    try:
        version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
        return tuple(int(part) for part in version.strip().removeprefix("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return (0,)


def not_started(code: str, message: str, command: object) -> SpawnError:
    """Returns the error for a worker whose process was never started."""
    return SpawnError(code, message, ProcessExit(None, None, "", str(command)))
