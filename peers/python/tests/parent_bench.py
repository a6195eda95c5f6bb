"""Helpers for the tests of `ParentWorker`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from conftest import EXAMPLE

from multifrost import ParentWorker

Error = TypeVar("Error", bound=BaseException)

TIME_LIMIT = 15.0
"""How long a test waits for what has to happen, in seconds."""


async def error_of(call: Awaitable[Any], kind: type[Error]) -> Error:
    """Awaits a call that has to raise this error."""
    with pytest.raises(kind) as caught:
        await asyncio.wait_for(call, TIME_LIMIT)
    return caught.value


async def eventually(condition: Callable[[], Any]) -> None:
    """Waits until a condition is true."""
    deadline = time.monotonic() + TIME_LIMIT
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        await asyncio.sleep(0.01)


async def started(call: Awaitable[Any]) -> asyncio.Future[Any]:
    """Starts a call as a task, so that it is sent now."""
    task = asyncio.ensure_future(call)
    await asyncio.sleep(0)
    return task


def run(test: Callable[[], Any]) -> None:
    """Runs an asynchronous test."""
    asyncio.run(asyncio.wait_for(test(), 60))


@asynccontextmanager
async def spawned(script: Path = EXAMPLE, **options: Any) -> AsyncIterator[ParentWorker]:
    """Starts a worker and stops it at the end."""
    async with ParentWorker.spawn(script, **options) as worker:
        yield worker
