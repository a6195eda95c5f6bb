// A worker that knows when it could be reached, on the clock that all processes share.

import { ChildWorker } from "multifrost/child";

let reachableAt;

class Worker extends ChildWorker {
  reachableAt() {
    return reachableAt;
  }
}

await new Worker().run();
reachableAt = performance.timeOrigin + performance.now();
