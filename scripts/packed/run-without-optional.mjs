// What is run where the optional dependency, the native zeromq package, was left out.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../packages.mjs";
import { Failure } from "./command.mjs";
import { runBundled } from "./run-bundled.mjs";
import { script, typeCheck } from "./run-in-app.mjs";

/** Each step with its title; the first two install multifrost, with all and with the needed dependencies only. */
export function withoutOptionalSteps(bare, full, empty, tarballs) {
  const node = (...args) => script(bare, [process.execPath, ...args]);
  return [
    ["multifrost installs alone", () => installInto(full, tarballs)],
    ["multifrost installs without optional dependencies, and has no native code", () => installBare(bare, tarballs)],
    ["without them the demo's calls work", () => node("platforms/demo.js", "node", process.execPath)],
    ['without them transport: "zeromq" says what to install', () => node("without-optional/zeromq.js")],
    ["without them esbuild makes one file of parent and worker, which runs", () => runBundled(bare, empty)],
    ["without them the types are complete", () => typeCheck(bare, "tsconfig.libraries.json", TYPES_OF_NODE)],
  ];
}

/** Node's types, which this project does not have. */
const TYPES_OF_NODE = ["--typeRoots", join(ROOT, "node_modules", "@types")];

async function installInto(project, tarballs, options = []) {
  await project.install([...options, ...tarballs]);
  const files = installedFiles(project);
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  console.log(`      ${(bytes / 1e6).toFixed(1)} MB in ${files.length} files`);
  return files;
}

async function installBare(project, tarballs) {
  const files = await installInto(project, tarballs, ["--omit=optional"]);
  const native = files.filter((file) => /\.node$|\.gyp$/.test(file));
  if (native.length > 0) {
    throw new Failure(`native code: ${native}`);
  }
}

function installedFiles({ folder }) {
  return readdirSync(join(folder, "node_modules"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
