// Tells a module that was started from one that was imported: by a parent, or by a unit test.

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Test runners, by what they put into the environment or run as. */
const TEST_VARIABLES = ["VITEST", "JEST_WORKER_ID", "NODE_TEST_CONTEXT", "AVA_PATH"];
const TEST_PROGRAM = /(?:^|[/\\])_?(?:mocha|vitest|jest|ava|tap|jasmine|playwright)\b/;

/**
 * Whether `run` was called by another module than the one that this process was started with. `false` where that cannot be
 * seen.
 *
 * @param run The function that calls this one.
 * @param main The path that the process was started with. Default: `process.argv[1]`.
 */
export function isCalledByImport(
  run: (...args: never[]) => unknown,
  main: string | undefined = process.argv[1],
): boolean {
  const caller = callerOf(run);
  if (caller === undefined || main === undefined) {
    return false;
  }
  const started = realPath(main);
  // `node worker` may mean worker.js, or index.js in a directory.
  return !(caller === started || caller.startsWith(`${started}.`) || caller.startsWith(`${started}/index.`));
}

let warned = false;

/** Says once in a process that no worker runs here, why, and what to write. */
export function warnOfImport(className: string, env: NodeJS.ProcessEnv = process.env): void {
  if (warned) {
    return;
  }
  warned = true;
  const isTest = TEST_VARIABLES.some((name) => env[name] !== undefined) || TEST_PROGRAM.test(process.argv[1] ?? "");
  const advice = isTest
    ? "It looks like a unit test: put the class into a module that does not call run(), import that, and test it with " +
      "testWorker() of @multifrost/testing; or test it as parents use it, with ParentWorker.spawn()."
    : `It looks like a parent that needs the type alone: write \`import type { ${className} } from …\`, which loads nothing.`;
  process.emitWarning(
    `${className}.run() was called in a module that was imported, not started, so no worker runs here. ${advice}`,
    { type: "MultifrostWarning", code: "IMPORTED_WORKER" },
  );
}

/** The file that called `run`, as the engine names it, without source maps. */
function callerOf(run: (...args: never[]) => unknown): string | undefined {
  const prepare = Error.prepareStackTrace;
  const holder: { stack?: unknown } = {};
  try {
    Error.prepareStackTrace = (_error, sites) => sites.map((site) => site.getFileName());
    Error.captureStackTrace(holder, run);
    const files = holder.stack as readonly (string | null | undefined)[];
    const file = files.find((name) => name !== null && name !== undefined && !name.startsWith("node:"));
    return typeof file === "string" ? realPath(file.startsWith("file:") ? fileURLToPath(file) : file) : undefined;
  } catch {
    return undefined;
  } finally {
    Error.prepareStackTrace = prepare;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
