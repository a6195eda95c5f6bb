// pythonia, the JavaScript side of JSPyBridge: a module's functions as if they were local.

import { fileURLToPath } from "node:url";

process.env.PYTHON_BIN = "python3"; // read when the package is imported

export async function open() {
  const { python } = await import("pythonia");
  const calculator = await python(fileURLToPath(new URL("./calculator.py", import.meta.url)));
  return { add: (a, b) => calculator.add(a, b), close: async () => python.exit() };
}
