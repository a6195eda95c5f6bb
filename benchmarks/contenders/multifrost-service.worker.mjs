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

const [directory, transport] = process.argv.slice(2);
const service = new BenchService({ serviceId: "bench", registry: createFileRegistry({ directory }), transport });
await service.start();
process.stdin.once("end", () => service.stop()).resume();
