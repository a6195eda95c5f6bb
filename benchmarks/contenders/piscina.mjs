// piscina with one thread that may run any number of tasks at a time, as fits methods that wait for nothing.

import { Piscina } from "piscina";

export async function open() {
  const pool = new Piscina({
    filename: new URL("./piscina.worker.mjs", import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 1024,
  });
  return {
    add: (a, b) => pool.run({ a, b }, { name: "add" }),
    object: (value) => pool.run(value, { name: "object" }),
    echo: (bytes) => pool.run(bytes, { name: "echo" }),
    close: () => pool.destroy(),
  };
}
