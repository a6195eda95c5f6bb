// The worker that Multifrost calls.

import { ChildWorker } from "multifrost/child";

class BenchWorker extends ChildWorker {
  add(a, b) {
    return a + b;
  }

  echo(bytes) {
    return bytes;
  }

  object(value) {
    return value;
  }

  wait() {
    return new Promise(() => {});
  }
}

new BenchWorker().run();
