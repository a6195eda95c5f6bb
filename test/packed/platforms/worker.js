// The demo's worker in plain JavaScript, for any runtime. With a name it runs as a service. With FORGETFUL=1 it knows only
// the port of its parent, like workers of other implementations.

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { ChildWorker } from "multifrost/child";

class MathWorker extends ChildWorker {
  add(a, b) {
    return a + b;
  }

  async addSlowly(a, b, ms) {
    await sleep(ms);
    return a + b;
  }

  echo(value) {
    return value;
  }

  /** Names of variables that a parent sets and a worker removes. */
  environment() {
    return Object.keys(process.env).filter((name) => /^(COMLINK|MULTIFROST)_/.test(name));
  }

  exit(code) {
    process.exit(code);
  }

  factorial(n) {
    if (!Number.isInteger(n) || n < 0) {
      throw new RangeError(`factorial needs a whole number of at least 0, not ${n}`);
    }
    return n < 2 ? 1 : n * this.factorial(n - 1);
  }

  greet(name) {
    console.log(`greeting ${name}`);
    return `Hello, ${name}!`;
  }

  /** How the parent is reached: `ipc` or `tcp`. */
  reached() {
    return this.endpoint.split(":")[0];
  }

  runtime() {
    const { bun, deno, node } = process.versions;
    return bun ? "bun" : deno ? "deno" : node ? "node" : "unknown";
  }
}

if (process.env.FORGETFUL === "1") {
  delete process.env.MULTIFROST_ENDPOINT;
  delete process.env.MULTIFROST_TOKEN;
}
new MathWorker(process.argv[2]).run();
