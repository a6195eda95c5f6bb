// However a parent ends, its worker ends. Run by Node. Arguments, each a command in JSON: that of the parent, that of the worker.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const [[program, ...args], workerCommand] = process.argv.slice(2).map((command) => JSON.parse(command));
const script = fileURLToPath(new URL("./parent-that-ends.js", import.meta.url));

for (const way of ["exit", "throw", "SIGTERM", "SIGKILL"]) {
  const parent = spawn(program, [...args, script, way, ...workerCommand], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(parent, "exit");
  let output = "";
  for (const stream of [parent.stdout, parent.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (way.startsWith("SIG") && /worker \d+\n/.test(output)) {
        parent.kill(way);
      }
    });
  }
  const [, signal] = await ended;
  const pid = Number(/worker (\d+)\n/.exec(output)?.[1]);
  assert.ok(pid > 0, `${way}: ${output}`);
  if (way.startsWith("SIG")) {
    assert.equal(signal, way, output);
  }
  const end = performance.now() + 10_000;
  while (runs(pid)) {
    assert.ok(performance.now() < end, `${way}: the worker, process ${pid}, still runs`);
    await sleep(20);
  }
}
console.log("done");

/** Whether the process runs. A zombie does not. */
function runs(pid) {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
