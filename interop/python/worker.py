"""The Python worker of the matrix: see ``../README.md``. Its argument is the service id; none if it was spawned."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time
from typing import Any

from describe import describe

from multifrost import ChildWorker


class Failed(Exception):
    code = "LUCK"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.row = 7


class MatrixWorker(ChildWorker):
    def add(self, a: float, b: float) -> float:
        return a + b

    def busy(self, ms: int) -> int:
        end = time.monotonic() + ms / 1000
        while time.monotonic() < end:
            pass
        return ms

    def checksum(self, data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    def describe(self, x: Any) -> str:
        return describe(x)

    def echo(self, x: Any) -> Any:
        return x

    def exit(self, code: int) -> None:
        os._exit(code)

    def fail(self, message: str) -> None:
        raise Failed(message) from ValueError(f"cause of {message}")

    def größe(self, text: str) -> int:
        return len(text)

    def nothing(self) -> None:
        return None

    def pid(self) -> int:
        return os.getpid()

    def say(self, text: str) -> None:
        print(text)

    async def sleep(self, ms: int) -> int:
        await asyncio.sleep(ms / 1000)
        return ms

    def warn(self, text: str) -> None:
        print(text, file=sys.stderr)


if __name__ == "__main__":
    MatrixWorker(sys.argv[1] if len(sys.argv) > 1 else None).run()
