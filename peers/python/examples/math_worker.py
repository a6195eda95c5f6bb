"""An example worker. A parent spawns it, or it runs as a service: ``python3 math_worker.py math-service``."""

from __future__ import annotations

import asyncio
import math
import sys
import time
from pathlib import Path
from typing import Any

# Lets the example run from a checkout. Not needed when the package is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from multifrost import ChildWorker


class MathWorker(ChildWorker):
    """Parents can call every public method."""

    def add(self, a: float, b: float) -> float:
        return a + b

    def divide(self, a: float, b: float) -> float:
        return a / b

    def echo(self, value: Any) -> Any:
        return value

    def factorial(self, n: int) -> int:
        return math.factorial(n)

    def slow(self, seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    def greet(self, name: str) -> str:
        print(f"greeting {name}")
        return f"Hello, {name}!"

    def print_lines(self, n: int) -> int:
        for number in range(n):
            print(f"line {number}")
        return n

    async def async_double(self, x: float) -> float:
        await asyncio.sleep(0)
        return 2 * x


if __name__ == "__main__":
    # Older Python parents pass the argument --worker.
    names = [argument for argument in sys.argv[1:] if argument != "--worker"]
    MathWorker(names[0] if names else None).run()
