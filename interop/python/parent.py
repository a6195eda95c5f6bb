"""The Python parent of the matrix: see ``../README.md``. Runs the cases listed in its argument, which is JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from cases import CASES, Environment

from multifrost import ParentWorker

CASE_SECONDS = 20
"""A case that takes longer fails, in seconds."""

OPTIONS: dict[str, Any] = {
    "heartbeat_interval": 0.1,
    "heartbeat_timeout": 2.0,
    "heartbeat_max_misses": 5,
    "max_restart_attempts": 1000,  # also the circuit's threshold: calls that fail on purpose do not open it
}


async def main(plan: dict[str, Any]) -> None:
    env = Environment(plan["mode"], {"stdout": asyncio.Queue(), "stderr": asyncio.Queue()}, report)
    async with await open_worker(plan, env) as worker:
        for name in plan["cases"]:
            report({"case": name, **await run_case(name, worker, env)})


async def open_worker(plan: dict[str, Any], env: Environment) -> ParentWorker:
    handlers: dict[str, Any] = {f"on_{kind}": lines.put_nowait for kind, lines in env.lines.items()}
    if plan["mode"] == "connect":
        return await ParentWorker.connect(plan["service"], 15.0, **OPTIONS, **handlers)
    *leading, script = plan["worker"]
    return ParentWorker.spawn(script, leading or None, **OPTIONS, **handlers)


async def run_case(name: str, worker: ParentWorker, env: Environment) -> dict[str, Any]:
    case = CASES.get(name)
    if case is None:
        return {"ok": False, "detail": "this parent does not know the case"}
    try:
        await asyncio.wait_for(case(worker, env), CASE_SECONDS)
    except asyncio.TimeoutError:
        return {"ok": False, "detail": f"not done after {CASE_SECONDS} s"}
    except Exception as error:
        return {"ok": False, "detail": f"{type(error).__name__}: {error}"}
    return {"ok": True}


def report(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
