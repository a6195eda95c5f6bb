// `pnpm bench:call-path`: how much of our code one call runs. What is counted, and how: ../README.md.
// `--list` prints the functions by file, `--check` exits with 1 above the target, `--root` measures another checkout.

import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { readOptions } from "../options.mjs";
import { printFunctions, printSides } from "./print.mjs";

/** What this probe counted at commit 9dffa40, over the zeromq library. */
const BEFORE = {
  parent: { files: 38, functions: 125, invocations: 256 },
  child: { files: 26, functions: 97, invocations: 235 },
};

/** What one call may run at most. ZMTP is our code; over zeromq the same work is done by a library and does not count. */
const TARGETS = {
  zmtp: { parent: { files: 33, functions: 120 }, child: { files: 29, functions: 110 } },
  zeromq: { parent: { files: 25, functions: 90 }, child: { files: 20, functions: 80 } },
};

/** A run takes about two seconds; one that is not done after this is broken, in milliseconds. */
const MOST_MS = 30_000;

const options = readOptions("pnpm bench:call-path [--check] [--list] [--root DIRECTORY]", {
  list: { type: "boolean", default: false },
  root: { type: "string", default: fileURLToPath(new URL("../..", import.meta.url)) },
});

const sides = [];
for (const [transport, targets] of Object.entries(TARGETS)) {
  const counts = await measure(resolve(options.root), transport);
  for (const [side, target] of Object.entries(targets)) {
    sides.push({ name: `${side}, ${transport}`, target, counts: counts[side] });
  }
}
printSides(sides, BEFORE);
if (options.list) {
  sides.forEach(printFunctions);
}
const above = sides.some(
  ({ target, counts: { files, functions } }) => files > target.files || functions > target.functions,
);
process.exitCode = options.check && above ? 1 : 0;

/** Runs the parent, and with it the child, in processes that load the TypeScript sources below `root`. */
function measure(root, transport) {
  const flags = ["--conditions=@multifrost/source", `--import=${new URL("./sources.mjs", import.meta.url)}`];
  const parent = spawn(process.execPath, [fileURLToPath(new URL("./parent.mjs", import.meta.url))], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: {
      ...process.env,
      MULTIFROST_TRANSPORT: transport,
      NODE_OPTIONS: flags.join(" "),
      CALL_PATH_PACKAGES: pathToFileURL(`${root}/packages/`).href,
    },
    timeout: MOST_MS,
  });
  return new Promise((resolve, reject) => {
    parent.once("message", resolve);
    parent.once("error", reject);
    parent.once("exit", (code, signal) => reject(new Error(`The parent ended without counts: ${signal ?? code}.`)));
  });
}
