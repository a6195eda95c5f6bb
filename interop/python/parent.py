"""The Python parent of the matrix: see ``../README.md``. Runs the cases that its argument, JSON, tells it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from cases import CASES, Around

from multifrost import ParentWorker

CASE_SECONDS = 20
"""A case that is not done by then hangs."""

OPTIONS: dict[str, Any] = {
    "heartbeat_interval": 0.1,
    "heartbeat_timeout": 2.0,
    "heartbeat_max_misses": 5,
    "max_restart_attempts": 1000,  # also the circuit's threshold: nothing that fails on purpose opens it
}


async def main(plan: dict[str, Any]) -> None:
    around = Around(plan["mode"], {"stdout": asyncio.Queue(), "stderr": asyncio.Queue()}, report)
    async with await opened(plan, around) as worker:
        for name in plan["cases"]:
            report({"case": name, **await outcome(name, worker, around)})


async def opened(plan: dict[str, Any], around: Around) -> ParentWorker:
    handlers = {f"on_{kind}": lines.put_nowait for kind, lines in around.lines.items()}
    if plan["mode"] == "connect":
        return await ParentWorker.connect(plan["service"], 15.0, **OPTIONS, **handlers)
    *leading, script = plan["worker"]
    return ParentWorker.spawn(script, leading or None, **OPTIONS, **handlers)


async def outcome(name: str, worker: ParentWorker, around: Around) -> dict[str, Any]:
    case = CASES.get(name)
    if case is None:
        return {"ok": False, "detail": "this parent does not know the case"}
    try:
        await asyncio.wait_for(case(worker, around), CASE_SECONDS)
    except asyncio.TimeoutError:
        return {"ok": False, "detail": f"still not done after {CASE_SECONDS} s"}
    except Exception as error:
        return {"ok": False, "detail": f"{type(error).__name__}: {error}"}
    return {"ok": True}


def report(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
