// Has a process in its group and one in its own session, from before it is connected.

import { spawn } from "node:child_process";
import { ChildWorker } from "multifrost/child";

spawn("sleep", ["600"], { stdio: "ignore" });
spawn("sleep", ["600"], { stdio: "ignore", detached: true, env: { ...process.env, CHAOS_OWN_SESSION: "1" } });

class Worker extends ChildWorker {
  /** Never gives the event loop back. */
  compute() {
    for (;;) {
      // Computes.
    }
  }
}

new Worker().run();
