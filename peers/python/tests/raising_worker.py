"""A worker whose methods raise."""

import builtins
import sys

from multifrost import ChildWorker


class NotFound(Exception):
    code = 404

    def __init__(self, row: int) -> None:
        super().__init__(f"No row {row}")
        self.row = row
        self.callback = print


class Hostile(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    @property
    def code(self) -> str:
        raise RuntimeError("no code")


class RaisingWorker(ChildWorker):
    def find(self, row: int) -> None:
        rows: dict[int, str] = {}
        try:
            rows[row]
        except KeyError as error:
            raise NotFound(row) from error

    async def find_all(self) -> None:
        if sys.version_info >= (3, 11):
            raise builtins.ExceptionGroup("many", [NotFound(1), ValueError("b")])

    def hostile(self) -> None:
        raise Hostile

    def add(self, a: int, b: int) -> int:
        return a + b


if __name__ == "__main__":
    RaisingWorker().run()
