// Parent and worker bundled into one file by esbuild, as a user's build may do it.

import { join } from "node:path";
import { build } from "esbuild";
import { Failure } from "./command.mjs";

/**
 * Bundles test/packed/bundled/program.js in a project that has all packages, and runs the bundle in an empty folder, where no
 * package is found.
 */
export async function runBundled(app, empty) {
  for (const [format, extension] of [
    ["esm", "mjs"],
    ["cjs", "cjs"],
  ]) {
    const outfile = join(empty.folder, `program.${extension}`);
    const entryPoints = [join(app.folder, "bundled", "program.js")];
    // Without the packages of this repository, which pnpm puts into NODE_PATH.
    const options = { nodePaths: [], logLevel: "silent" };
    await build({ ...options, entryPoints, outfile, format, bundle: true, platform: "node", target: "node20" });
    const output = await empty.run([process.execPath, outfile]);
    if (!output.endsWith("done\n")) {
      throw new Failure(`${outfile} did not get to its end:\n${output}`);
    }
  }
}
