// pythonia, the JavaScript side of JSPyBridge: a module's functions as if they were local.

import { fileURLToPath } from "node:url";

process.env.PYTHON_BIN = "python3"; // read when the package is imported

let running = false;

/** The package has one Python process for all its users, and starts another one for the next import after an exit. */
export async function open() {
  const { python } = await import("pythonia");
  running = true;
  const calculator = await python(fileURLToPath(new URL("./calculator.py", import.meta.url)));
  return {
    add: (a, b) => calculator.add(a, b),
    async close() {
      if (running) {
        running = false;
        python.exit();
      }
    },
  };
}
