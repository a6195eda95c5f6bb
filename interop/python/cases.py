"""The cases of the matrix for a Python parent. ``../README.md`` describes them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from describe import untagged

from multifrost import CallTimeoutError, ConnectionLostError, ParentWorker, RemoteCallError, WorkerExitedError

METHODS = ["add", "busy", "checksum", "describe", "echo", "exit", "fail"]
METHODS += ["größe", "nothing", "pid", "say", "sleep", "warn"]
ENDS = [-(2**63), -(2**53), 2**53, 2**63, 2**64]
EDGES = [edge + near for edge in ENDS for near in (-1, 0, 1) if -(2**63) <= edge + near < 2**64]
"""Integers around the limits of 64-bit integers and of exact doubles."""

Error = TypeVar("Error", bound=BaseException)


@dataclass(frozen=True)
class Environment:
    """What a case uses besides the worker."""

    mode: str
    """``spawn`` or ``connect``."""
    lines: dict[str, asyncio.Queue[str]]
    """The lines that the worker printed, by stream."""
    report: Callable[[dict[str, Any]], None]
    """Prints the result of a case."""


def check(got: Any, wanted: Any, what: str) -> None:
    """Fails unless both have the same value and type."""
    if got != wanted or type(got) is not type(wanted):
        raise AssertionError(f"{what} gave {got!r}, not {wanted!r}")


async def error_of(call: Awaitable[Any], kind: type[Error]) -> Error:
    """Awaits a call that has to raise this kind of error, and returns the error."""
    try:
        result = await call
    except kind as error:
        return error
    raise AssertionError(f"it gave {result!r}, not a {kind.__name__}")


async def started(call: Awaitable[Any]) -> asyncio.Future[Any]:
    """Starts a call as a task, so that it is sent now and not when it is first awaited."""
    task = asyncio.ensure_future(call)
    await asyncio.sleep(0)
    return task


async def results(worker: ParentWorker, _: Environment) -> None:
    check(await worker.call.add(2, 3), 5, "add(2, 3)")
    check(await worker.call.add(0.5, 0.25), 0.75, "add(0.5, 0.25)")
    check(await worker.call.nothing(), None, "nothing()")


async def errors(worker: ParentWorker, _: Environment) -> None:
    error = await error_of(worker.call.fail("no luck"), RemoteCallError)
    check((error.remote_message, error.function_name), ("no luck", "fail"), "the error")
    parts = (error.remote_name, error.remote_code, error.remote_data.get("row"))
    check(parts, ("Failed", "LUCK", 7), "the error's name, code and row")
    cause = error.__cause__.remote_message if isinstance(error.__cause__, RemoteCallError) else None
    check(cause, "cause of no luck", "its cause")
    check(await worker.call.add(2, 3), 5, "add(2, 3)")


async def values(worker: ParentWorker, _: Environment) -> None:
    rows = json.loads((Path(__file__).parents[1] / "values.json").read_text("utf-8"))
    assert len(rows) > 20
    for row in rows:
        value = untagged(row["value"])
        wanted = untagged(row["back"]) if "back" in row else value
        check(await worker.call.echo(value), wanted, row["name"])
        check(await worker.call.describe(value), row["described"], row["name"])


async def binary(worker: ParentWorker, _: Environment) -> None:
    data = bytes((31 * index + 7) % 256 for index in range(2**20))
    assert await worker.call.echo(data) == data, "1 MiB came back changed"
    check(await worker.call.checksum(data), hashlib.sha256(data).hexdigest(), "checksum")


async def int64(worker: ParentWorker, _: Environment) -> None:
    for edge in EDGES:
        check(await worker.call.echo(edge), edge, f"echo({edge})")
        check(await worker.call.describe(edge), f"int {edge}", f"describe({edge})")


async def unicode(worker: ParentWorker, _: Environment) -> None:
    check(await worker.call.größe("日本語 👩‍🚀"), 7, "größe")
    texts = {"ключ": "значение", "鍵": "値", "🔑": "🔒"}
    check(await worker.call.echo(texts), texts, "echo")


async def concurrent(worker: ParentWorker, _: Environment) -> None:
    order: list[int] = []

    async def sleep(ms: int) -> None:
        check(await worker.call.sleep(ms), ms, f"sleep({ms})")
        order.append(ms)

    await asyncio.gather(sleep(600), sleep(300), sleep(0))
    check(order, [0, 300, 600], "the order")
    numbers = list(range(50))
    check(await asyncio.gather(*map(worker.call.echo, numbers)), numbers, "echo")


async def timeout(worker: ParentWorker, _: Environment) -> None:
    await error_of(worker.with_options(timeout=0.15).sleep(3000), CallTimeoutError)
    check(await worker.call.add(2, 3), 5, "add(2, 3)")


async def busy_heartbeats(worker: ParentWorker, _: Environment) -> None:
    misses, call = worker.metrics.heartbeat_misses, await started(worker.call.busy(1500))
    round_trips = set()
    while not call.done():
        round_trips.add(worker.last_heartbeat_rtt_ms)
        await asyncio.sleep(0.01)
    check(await call, 1500, "busy(1500)")
    assert len(round_trips) > 5, f"only {len(round_trips) - 1} heartbeats were answered"
    check(worker.metrics.heartbeat_misses, misses, "the number of misses")


async def output(worker: ParentWorker, env: Environment) -> None:
    await worker.call.say("grüße 1")
    check(await env.lines["stdout"].get(), "grüße 1", "stdout")
    await worker.call.warn("warnung 1")
    check(await env.lines["stderr"].get(), "warnung 1", "stderr")


async def private(worker: ParentWorker, _: Environment) -> None:
    error = await error_of(worker.call_function("_secret"), RemoteCallError)
    assert "_secret" in str(error.remote_message), error


async def missing(worker: ParentWorker, _: Environment) -> None:
    error = await error_of(worker.call.ad(1, 2), RemoteCallError)
    assert "not found" in str(error.remote_message), error


async def list_functions(worker: ParentWorker, _: Environment) -> None:
    check(sorted(await worker.list_functions()), METHODS, "list_functions")


async def namespace(worker: ParentWorker, _: Environment) -> None:
    error = await error_of(worker.with_options(namespace="elsewhere").add(2, 3), RemoteCallError)
    assert "default" in str(error.remote_message), error
    check(await worker.with_options(namespace="default").add(2, 3), 5, "add(2, 3)")


async def shutdown(worker: ParentWorker, env: Environment) -> None:
    pid = await worker.call.pid()
    last = await started(worker.call.sleep(300))
    await worker.call.pid()  # answered after the call above has started
    if env.mode == "spawn":
        await worker.stop()
    else:
        os.kill(pid, signal.SIGTERM)
    check(await last, 300, "sleep(300)")
    while _runs(pid):
        await asyncio.sleep(0.02)


async def child_crash(worker: ParentWorker, env: Environment) -> None:
    waiting = await started(worker.call.sleep(30_000))
    start = time.monotonic()
    calls = (worker.call.exit(3), waiting)
    for call in calls:
        if env.mode == "spawn":
            check((await error_of(call, WorkerExitedError)).exit_code, 3, "the exit code")
        else:
            await error_of(call, ConnectionLostError)
    assert time.monotonic() - start < 5, "the calls failed late"


async def parent_crash(worker: ParentWorker, env: Environment) -> None:
    env.report({"case": "parent-crash", "ok": True, "pid": await worker.call.pid()})
    await worker.call.sleep(60_000)


async def service_restart(worker: ParentWorker, env: Environment) -> None:
    is_over = False

    async def call() -> None:
        while not is_over:
            check(await worker.call.add(2, 3), 5, "add(2, 3)")

    callers = asyncio.gather(*(call() for _ in range(8)))
    first = await worker.call.pid()
    env.report({"case": "service-restart", "ok": True, "pid": first})
    while await worker.call.pid() == first:
        pass
    is_over = True
    await callers


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


CASES: dict[str, Callable[[ParentWorker, Environment], Awaitable[None]]] = {
    case.__name__.replace("_", "-"): case
    for case in (
        *(results, errors, values, binary, int64, unicode, concurrent, timeout, busy_heartbeats, output, private),
        *(missing, list_functions, namespace, shutdown, child_crash, parent_crash, service_restart),
    )
}
