// One contender's caller, in a process that no other contender shares: heap, compiled code and timers are its alone.
// run.mjs tells it what to do, and it answers with figures. Started with the contender's id.

import { readdirSync, readFileSync } from "node:fs";
import { findContender } from "../contenders/list.mjs";
import { cases } from "./cases.mjs";

const { module, options } = findContender(process.argv[2]);
const { open } = await import(module);
let connection;

const commands = {
  async open() {
    connection = await open(options);
  },
  async close() {
    await connection.close();
  },
  supports: (id) => cases[id].supports?.(connection) ?? true,
  /** From the request to start the other end to its first answer, in milliseconds. */
  async start() {
    const begin = performance.now();
    const started = await open(options);
    await started.add(1, 2);
    const value = performance.now() - begin;
    await started.close();
    return { value };
  },
  /** One repetition of a case. `cpu`: processor time of both processes for each call, in microseconds. */
  async measure(id, ms) {
    const before = cpuMicros(connection.pid);
    const measured = await cases[id].run(connection, ms);
    return { ...measured, cpu: (cpuMicros(connection.pid) - before) / measured.calls };
  },
};

process.on("message", async ({ command, args }) => {
  try {
    process.send({ result: await commands[command](...args) });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.on("disconnect", () => process.exit());

/** Processor time that this process and another have used. On Linux only is the other's known. */
function cpuMicros(pid) {
  const { user, system } = process.cpuUsage();
  return user + system + (pid === undefined || process.platform !== "linux" ? 0 : threadsMicros(pid));
}

function threadsMicros(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.reduce(
    (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]) / 1000,
    0,
  );
}
