// The service that Multifrost calls. It ends with its stdin.

import { createFileRegistry } from "@multifrost/registry";
import { ChildWorker } from "multifrost/child";

class BenchService extends ChildWorker {
  add(a, b) {
    return a + b;
  }

  echo(bytes) {
    return bytes;
  }

  object(value) {
    return value;
  }
}

const registry = createFileRegistry({ directory: process.argv[2] });
const service = new BenchService({ serviceId: "bench", registry });
await service.start();
process.stdin.once("end", () => service.stop()).resume();
