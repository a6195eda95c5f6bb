// Answers calls, and reports what its process holds.

import { ChildWorker } from "multifrost/child";
import { held } from "../held.mjs";

class SoakWorker extends ChildWorker {
  add(a, b) {
    return a + b;
  }

  held() {
    return held();
  }
}

await new SoakWorker(process.argv[2]).run();
