"""A worker with unusual members, results and output."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from multifrost import ChildWorker


class Base(ChildWorker):
    def inherited(self) -> str:
        return "inherited"


class EdgeWorker(Base):
    namespace = os.environ.get("TEST_NAMESPACE", "default")
    other_namespaces = os.environ.get("TEST_OTHER_NAMESPACES", "answer")
    max_concurrency = int(os.environ.get("TEST_MAX_CONCURRENCY", "0")) or None
    threads = int(os.environ.get("TEST_THREADS", "1"))
    max_pending = int(os.environ.get("TEST_MAX_PENDING", "250000"))
    stop_timeout = 1.0
    allow_remote_shutdown = bool(os.environ.get("TEST_ALLOW_REMOTE_SHUTDOWN"))
    limit = 3
    _server = _log = _options = "of the subclass"

    class Settings:
        pass

    def __init__(self, service_id: str | None = None) -> None:
        super().__init__(service_id)
        vars(self)["threads"] = ["mine"]

    def own_threads(self) -> list[str]:
        threads: list[str] = vars(self)["threads"]
        return threads

    def transport(self) -> str:  # type: ignore[override]
        return "a method"

    @property
    def size(self) -> int:
        raise RuntimeError("a property must not be read")

    @staticmethod
    def static(a: int) -> int:
        return a

    def stop(self) -> None:
        super().stop()

    def private_attributes(self) -> list[str]:
        return [self._server, self._log, self._options]

    def large(self, size: int) -> bytes:
        return bytes(size)

    def environment_names(self) -> list[str]:
        return list(os.environ)

    def pid(self) -> int:
        return os.getpid()

    def give(self, what: str) -> Any:
        loop: list[Any] = []
        loop.append(loop)
        deep: Any = 1
        for _ in range(101):
            deep = [deep]
        return {
            "function": {"cb": [print]},
            "huge": 2**64,
            "cycle": loop,
            "deep": deep,
            "too long": b"x" * (64 * 1024 * 1024),
            "nan": (float("nan"), float("inf"), 1.5),
            "set": {7},
            "keys": {1: "c", None: "b", b"d": "d"},
            "naive": datetime.fromtimestamp(0),
            "utc": datetime(2026, 2, 3, 4, 5, 6, 789000, timezone.utc),
            "surrogate": "a\udcffb",
            "error": ValueError("as a value"),
        }[what]

    async def rest(self, seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async def end(self, code: int, words: str) -> None:
        os.write(2, words.encode())
        os._exit(code)

    def leave(self) -> None:
        sys.exit(3)

    def unreadable(self) -> None:
        class Unreadable(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        raise Unreadable

    def wrong_code(self) -> None:
        raise FileNotFoundError(2, "no such file", "x")

    def both(self) -> None:
        print("out\nmore")
        print("err", file=sys.stderr)
        print("no end", end="", flush=True)

    async def tell_pid_and_sleep(self) -> None:
        print(os.getpid())
        await asyncio.sleep(60)

    def sleep_until(self, path: str) -> str:
        while not Path(path).exists():
            time.sleep(0.01)
        return "woken"

    def thread_name(self) -> str:
        return threading.current_thread().name

    async def async_thread_name(self) -> str:
        return threading.current_thread().name

    def meet_in_threads(self, n: int) -> int:
        self._met = getattr(self, "_met", 0) + 1
        while self._met < n:
            time.sleep(0.001)
        return n

    def nap(self, value: Any) -> Any:
        with self._counted():
            time.sleep(0.005)
        return value

    async def nap_async(self, value: Any) -> Any:
        with self._counted():
            await asyncio.sleep(0.005)
        return value

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._now = getattr(self, "_now", 0) + 1
        self._most = max(getattr(self, "_most", 0), self._now)
        yield
        self._now -= 1

    def most_at_once(self) -> int:
        return self._most

    def compute(self, seconds: float) -> float:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass
        return seconds

    def raw(self, how: str, text: str) -> None:
        if how == "os.write":
            os.write(1, text.encode() + b"\n")
        elif how == "subprocess":
            subprocess.run(["echo", text], check=True)
        elif how == "buffer":
            sys.stdout.buffer.write(text.encode() + b"\n")
            sys.stdout.buffer.flush()

    def raw_flood(self, lines: int) -> None:
        for number in range(lines):
            os.write(1, b"flood %d\n" % number)

    def later(self) -> Any:
        return asyncio.sleep(0, "awaited")

    async def meet(self, n: int) -> int:
        self._met = getattr(self, "_met", 0) + 1
        while self._met < n:
            await asyncio.sleep(0.001)
        return n

    async def async_fail(self) -> None:
        raise KeyError("gone")


if __name__ == "__main__":
    if (flag := os.environ.get("TEST_ONLY_WHILE")) and not Path(flag).exists():
        sys.exit(1)
    EdgeWorker(sys.argv[1] if len(sys.argv) > 1 else None).run()
