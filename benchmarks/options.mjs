// What both benchmarks read from their command lines.

import { parseArgs } from "node:util";

/** Options by name: `check`, and those given. Ends the process with the usage for --help, and for one it does not know. */
export function readOptions(usage, more = {}) {
  const check = { type: "boolean", default: false };
  const help = { type: "boolean", default: false };
  try {
    const { values } = parseArgs({ options: { check, help, ...more } });
    if (!values.help) {
      return values;
    }
    console.log(`${usage}\n--check: exit with 1 where a target is missed.`);
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
  process.exit(0);
}
