// A worker in TypeScript. Other processes can call its public methods and nothing else.
// A spawned worker needs no name; with a name (`math-worker.ts my-service`) it runs as a service.

import { setTimeout as sleep } from "node:timers/promises";
import { ChildWorker } from "multifrost/child";

export class MathWorker extends ChildWorker {
  add(a: number, b: number): number {
    return a + b;
  }

  factorial(n: number): number {
    if (!Number.isInteger(n) || n < 0) {
      throw new RangeError(`factorial needs a whole number of at least 0, not ${n}`);
    }
    return n < 2 ? 1 : n * this.factorial(n - 1);
  }

  async addSlowly(a: number, b: number, ms: number): Promise<number> {
    await sleep(ms);
    return a + b;
  }

  greet(name: string): string {
    console.log(`greeting ${name}`);
    return `Hello, ${name}!`;
  }
}

new MathWorker(process.argv[2]).run();
