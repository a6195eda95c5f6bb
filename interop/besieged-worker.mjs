// Runs a worker among strangers: node interop/besieged-worker.mjs LOG WAITS WORKER...
//
// Writes to the file LOG what the parent gave, then, if WAITS is `yes`, waits for the line `ready`, which the strangers write there, and
// starts the worker. besiege.mjs starts the strangers: a process that descends from the worker's is none.

import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";

const [, , log = "", waits = "", program = "", ...args] = process.argv;
const { COMLINK_ZMQ_PORT: port, MULTIFROST_ENDPOINT: endpoint } = process.env;
appendFileSync(log, `given tcp://127.0.0.1:${port}${endpoint ? `,${endpoint}` : ""}\n`);
while (waits === "yes" && !/^ready$/m.test(readFileSync(log, "utf8"))) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
appendFileSync(log, `started ${Date.now()}\n`);
const worker = spawn(program, args, { stdio: "inherit" });
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => worker.kill(signal));
}
worker.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGTERM" ? 143 : 1)));
