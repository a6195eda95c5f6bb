// The service that attack-service.mjs and the tests attack.
import { ChildWorker } from "../../packages/multifrost/dist/child.js";

class Attacked extends ChildWorker {
  add(a, b) {
    return a + b;
  }
  echo(value) {
    return value;
  }
  size() {
    return 1;
  }
  hang() {
    return new Promise(() => {});
  }
}

await new Attacked({ serviceId: process.argv[2], logger: false }).run();
