// One contender's caller, in a process that no other contender shares: heap, compiled code and timers are its alone.
// run.mjs tells it what to do, and it answers with figures. Started with the contender's id.

import { readdirSync, readFileSync } from "node:fs";
import { findContender } from "../contenders/list.mjs";
import { cases } from "./cases.mjs";

const { module, options } = findContender(process.argv[2]);
const { open } = await import(module);
let connection;

// Calls that are pending when their connection ends reject, and no one waits for them.
process.on("unhandledRejection", () => {});

const commands = {
  async open() {
    connection = await open(options);
  },
  async close() {
    await connection.close();
  },
  supports: (id) => cases[id].supports?.(connection) ?? true,
  /** One repetition of a case that opens a connection itself. */
  measureOnce: (id) => cases[id].runOnce(() => open(options)),
  /** One repetition of a case. `cpu`: processor time of both processes for each call, in microseconds. */
  async measure(id, ms) {
    const before = cpuMicros();
    const measured = await cases[id].run(connection, ms);
    return { ...measured, cpu: (cpuMicros() - before) / measured.calls };
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

/** Processor time of this process and its children, in microseconds. NaN where the system does not say, which is all but Linux. */
function cpuMicros() {
  if (process.platform !== "linux") {
    return Number.NaN;
  }
  const children = threads("self").flatMap((task) =>
    read(`/proc/self/task/${task}/children`).split(" ").filter(Boolean),
  );
  const { user, system } = process.cpuUsage();
  return user + system + children.reduce((sum, child) => sum + threadsMicros(child), 0);
}

/** The kernel gives nanoseconds for each thread; `stat` has only ticks of 10 ms. */
function threadsMicros(pid) {
  const nanos = threads(pid).map((task) => Number(read(`/proc/${pid}/task/${task}/schedstat`).split(" ")[0]));
  return nanos.reduce((sum, value) => sum + value, 0) / 1000;
}

function threads(pid) {
  return readdirSync(`/proc/${pid}/task`);
}

function read(path) {
  return readFileSync(path, "utf8");
}
