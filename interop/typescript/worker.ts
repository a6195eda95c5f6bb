// The TypeScript worker of the matrix. README.md lists its methods, which are the same in every language.

import { createHash } from "node:crypto";
import { setImmediate, setTimeout } from "node:timers/promises";
import { ChildWorker } from "multifrost/child";
import { describe } from "./describe.ts";

/** Sets no name: callers get that of the class. */
class Failed extends Error {
  code = "LUCK";
  row = 7;
}

export class MatrixWorker extends ChildWorker {
  add(a: number, b: number): number {
    return a + b;
  }

  /** Computes in slices: JavaScript answers heartbeats whenever its event loop turns. */
  async busy(ms: number): Promise<number> {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      const sliceEnd = Math.min(end, performance.now() + 10);
      while (performance.now() < sliceEnd) {
        Math.sqrt(ms);
      }
      await setImmediate();
    }
    return ms;
  }

  checksum(data: Uint8Array): string {
    return createHash("sha256").update(data).digest("hex");
  }

  describe(value: unknown): string {
    return describe(value);
  }

  echo(value: unknown): unknown {
    return value;
  }

  exit(code: number): void {
    process.exit(code);
  }

  fail(message: string): never {
    throw new Failed(message, { cause: new Error(`cause of ${message}`) });
  }

  größe(text: string): number {
    return [...text].length;
  }

  nothing(): void {}

  pid(): number {
    return process.pid;
  }

  say(text: string): void {
    console.log(text);
  }

  async sleep(ms: number): Promise<number> {
    return setTimeout(ms, ms);
  }

  warn(text: string): void {
    console.error(text);
  }

  _secret(): string {
    return "this must stay private";
  }
}

const serviceId = process.argv[2];
await (serviceId === undefined ? new MatrixWorker() : new MatrixWorker(serviceId)).run();
