// What is run where only @multifrost/protocol is installed: it must bring no native code, and nothing of the others.

import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../packages.mjs";
import { Failure } from "./command.mjs";

/** All that may be installed. */
const ALLOWED = ["@multifrost/protocol"];

/** Each step with its title; a step needs the one before. */
export function checkProtocolAlone(project, tarball) {
  return [
    ["@multifrost/protocol installs by itself", () => project.install([tarball])],
    ["it brings nothing else, and no native code", () => checkInstalled(project.folder)],
    ["it encodes and decodes", () => useIt(project)],
  ];
}

function checkInstalled(folder) {
  const modules = join(folder, "node_modules");
  const files = readdirSync(modules, { recursive: true }).map((file) => file.replaceAll("\\", "/"));
  const packages = files
    .filter((file) => /^(@[^/]+\/)?[^/@.]+\/package\.json$/.test(file))
    .map((file) => file.replace(/\/package\.json$/, ""));
  const native = files.filter((file) => /\.node$|\.gyp$/.test(file));
  const unexpected = packages.filter((name) => !ALLOWED.includes(name));
  const missing = ALLOWED.filter((name) => !packages.includes(name));
  if (native.length + unexpected.length + missing.length > 0) {
    throw new Failure(`native code: ${native}\nnot expected: ${unexpected}\nmissing: ${missing}`);
  }
}

async function useIt(project) {
  cpSync(join(ROOT, "test", "packed", "protocol-alone"), project.folder, { recursive: true });
  const output = await project.run([process.execPath, "use-protocol.js"]);
  if (output !== "done\n") {
    throw new Failure(`use-protocol.js did not get to its end:\n${output}`);
  }
}
