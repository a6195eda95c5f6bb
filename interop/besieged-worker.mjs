// Runs a worker among strangers: node interop/besieged-worker.mjs LOG WAITS KNOWS WORKER...
//
// Writes to the file LOG what the parent gave, then, if WAITS is `yes`, waits for the line `ready`, which the strangers write there, and
// starts the worker. If KNOWS is `port`, the worker gets the port alone, as workers of older versions do. LOG gets the times of the
// worker's start and end. besiege.mjs starts the strangers: a process that descends from the worker's is none.

import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";

const [, , log = "", waits = "", knows = "", program = "", ...args] = process.argv;
const { COMLINK_ZMQ_PORT: port, MULTIFROST_ENDPOINT: endpoint } = process.env;
appendFileSync(log, `given tcp://127.0.0.1:${port}${endpoint ? `,${endpoint}` : ""}\n`);
while (waits === "yes" && !/^ready$/m.test(readFileSync(log, "utf8"))) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
appendFileSync(log, `started ${Date.now()}\n`);
const { MULTIFROST_ENDPOINT: _endpoint, MULTIFROST_TOKEN: _token, ...older } = process.env;
const worker = spawn(program, args, { stdio: "inherit", env: knows === "port" ? older : process.env });
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => worker.kill(signal));
}
worker.on("exit", (code, signal) => {
  appendFileSync(log, `ended ${Date.now()}\n`);
  process.exit(code ?? (signal === "SIGTERM" ? 143 : 1));
});
