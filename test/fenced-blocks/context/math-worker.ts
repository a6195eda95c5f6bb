import { ChildWorker } from "multifrost/child";

/** The worker that several documents call. */
export class MathWorker extends ChildWorker {
  add(a: number, b: number): number {
    return a + b;
  }
}
