"""The service that attack-service.mjs attacks."""

import asyncio
import logging
import sys
from typing import Any

from multifrost import ChildWorker


class Attacked(ChildWorker):
    def add(self, a: int, b: int) -> int:
        return a + b

    def echo(self, value: Any) -> Any:
        return value

    def size(self, value: Any) -> int:
        return 1

    async def hang(self, *args: Any) -> None:
        await asyncio.Event().wait()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    Attacked(sys.argv[1]).run()
