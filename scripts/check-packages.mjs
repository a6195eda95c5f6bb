// `pnpm check:packages`: packs each package and checks the tarball with publint and with "Are the types wrong?".
// One line for each check; what a failed one printed is shown. Exit code 1 if one failed.

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publishablePackages, ROOT } from "./packages.mjs";
import { Failure, runCommand } from "./packed/command.mjs";
import { pack } from "./packed/pack.mjs";
import { createSteps } from "./packed/steps.mjs";

/**
 * Node 10's resolution knows no `exports`. The ignored rule says that CommonJS cannot load ES modules, which every Node
 * in `engines` can.
 */
const TYPES_OPTIONS = ["--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm", "--format", "ascii"];

const temp = mkdtempSync(join(realpathSync(tmpdir()), "multifrost-packages-"));
process.once("exit", () => rmSync(temp, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => process.exit(1));
}

const { step, summary } = createSteps();
for (const each of publishablePackages()) {
  const tarball = await pack(each, temp);
  await step(`${each.name}: publint`, () => tool("publint", ["run", tarball, "--strict"]));
  await step(`${each.name}: are the types wrong?`, () => tool("attw", [tarball, ...TYPES_OPTIONS]));
  await step(`${each.name}: says what it is, for whom, and where it comes from`, () => checkManifest(each.manifest));
}
process.exitCode = summary();

function tool(name, args) {
  return runCommand([join(ROOT, "node_modules", ".bin", name), ...args], { cwd: temp, timeoutSeconds: 120 });
}

function checkManifest(manifest) {
  const needed = [
    "description",
    "keywords",
    "license",
    "repository",
    "homepage",
    "bugs",
    "engines",
    "exports",
    "files",
  ];
  const missing = needed.filter((field) => manifest[field] === undefined || manifest[field].length === 0);
  if (missing.length > 0) {
    throw new Failure(`package.json has no ${missing.join(", ")}`);
  }
}
