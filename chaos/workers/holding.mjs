// Holds what it is given for a while, as a worker does that writes to a slow disk.

import { ChildWorker } from "multifrost/child";

class HoldingWorker extends ChildWorker {
  /** Returns the length of the text after so many milliseconds. */
  hold(text, ms) {
    return ms === 0 ? text.length : new Promise((resolve) => setTimeout(() => resolve(text.length), ms));
  }

  /** The most memory that this process has had, in MB. */
  mostMegabytes() {
    return process.resourceUsage().maxRSS / 1024;
  }
}

new HoldingWorker().run();
