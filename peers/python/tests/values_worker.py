"""A worker whose limits are low, and whose methods have defaults."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from multifrost import ChildWorker, Limits


def decorated(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any) -> Any:
        return method(*args)

    return call


class ValuesWorker(ChildWorker):
    max_concurrency = int(os.environ.get("TEST_MAX_CONCURRENCY", "0")) or None
    threads = int(os.environ.get("TEST_THREADS", "1"))
    if "TEST_LIMITS" in os.environ:
        limits = Limits(
            message_bytes=100_000, string_bytes=20_000, binary_bytes=30_000, array_items=1000, map_items=100,
            values=3000, objects=500, depth=10,
        )  # fmt: skip

    def echo(self, value: Any) -> Any:
        return value

    def give(self, kind: str, size: int) -> Any:
        value: Any = {
            "text": lambda: "x" * size,
            "umlauts": lambda: "ü" * size,
            "bytes": lambda: bytes(size),
            "list": lambda: [0] * size,
            "map": lambda: {f"k{n}": 0 for n in range(size)},
            "lists": lambda: [[] for _ in range(size)],
            "values": lambda: [[0] * 900] * size,
            "texts": lambda: ["x" * 10_000] * size,
            "error": lambda: self._fail(size),
            "print": lambda: print("x" * size),
        }[kind]
        return value()

    def _fail(self, size: int) -> None:
        raise ValueError("x" * size)

    def find(self, id: Any, limit: int = 10, opts: Any = None) -> Any:
        return [id, limit, opts]

    async def find_async(self, id: Any, limit: int = 10, opts: Any = None) -> Any:
        return [id, limit, opts]

    @decorated
    def find_decorated(self, id: Any, limit: int = 10, opts: Any = None) -> Any:
        return [id, limit, opts]

    @staticmethod
    def find_static(id: Any, limit: int = 10, opts: Any = None) -> Any:
        return [id, limit, opts]

    @classmethod
    def find_class(cls, id: Any, limit: int = 10, opts: Any = None) -> Any:
        return [id, limit, opts]

    def only_positional(self, a: Any, b: Any = 2, /, c: Any = 3) -> Any:
        return [a, b, c]

    def all(self, first: Any = 1, *rest: Any, named: Any = 5) -> Any:
        return [first, list(rest), named]

    def search(self, q: Any, *, top_k: int = 5) -> Any:
        return [q, top_k]


if __name__ == "__main__":
    ValuesWorker(sys.argv[1] if len(sys.argv) > 1 else None).run()
