// Workers that tests start in this process.

import { ChildWorker } from "multifrost";

export class MathWorker extends ChildWorker {
  calls = 0;

  add(a: number, b: number): number {
    this.calls += 1;
    return a + b;
  }

  divide(a: number, b: number): number {
    if (b === 0) {
      throw new RangeError("division by zero");
    }
    return a / b;
  }

  echo(value: unknown): unknown {
    return value;
  }

  async later(value: number): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return value;
  }

  unsendable(): unknown {
    return () => 1;
  }

  _hidden(): void {}
}
