// 100 000 calls of 10 kB, as fast as they can be made, to a worker that holds them: neither process takes 300 MB.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** What each process may take, in MB, with its default options. */
const MOST_MEGABYTES = 300;

const PROGRAM = fileURLToPath(new URL("../programs/floods.mjs", import.meta.url));

/** @param times - Calls of each kind. */
export async function backpressure({ times }) {
  const figures = [];
  for (const way of ["patient", "hasty", "timed"]) {
    const { stdout } = await execute(process.execPath, [PROGRAM, way, `${times}`]);
    const { answered, refused, again, timedOut, wrong, parent, child } = JSON.parse(stdout);
    figures.push(
      { title: `${way}: calls answered`, value: answered },
      { title: `${way}: refused with OVERLOADED`, value: refused, ...(way === "patient" && { most: 0 }) },
      ...(way === "patient" ? [{ title: `${way}: made again after OVERLOADED`, value: again }] : []),
      { title: `${way}: timed out`, value: timedOut, ...(way !== "timed" && { most: 0 }) },
      {
        title: `${way}: without an outcome, or with a wrong one`,
        value: times - answered - refused - timedOut,
        most: 0,
      },
      { title: `${way}: wrong answers and errors`, value: wrong, most: 0 },
      { title: `${way}: most memory of the parent, MB`, value: parent, most: MOST_MEGABYTES },
      { title: `${way}: most memory of the worker, MB`, value: child, most: MOST_MEGABYTES },
    );
  }
  return figures;
}
