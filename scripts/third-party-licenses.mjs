// `pnpm licenses`: writes THIRD-PARTY-LICENSES into each package that has code of others in it, or brings it along.
// With --check it writes nothing, and exits with 1 where a file is not what it would write.

import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { publishablePackages } from "./packages.mjs";

/** What a dependency may be licensed under. Another one needs a decision by a person. */
const ACCEPTED = new Set([
  "MIT",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "MIT AND MPL-2.0",
]);

const check = process.argv.includes("--check");
const wrong = publishablePackages().filter(({ folder, manifest }) => {
  const file = join(folder, "THIRD-PARTY-LICENSES");
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const after = licensesOf(folder, manifest);
  if (before === after) {
    return false;
  }
  if (!check) {
    rmSync(file, { force: true });
    if (after !== "") {
      writeFileSync(file, after);
    }
  }
  return check;
});
for (const { name } of wrong) {
  console.error(
    `${name}: THIRD-PARTY-LICENSES is out of date. Run \`npx -y pnpm@12 licenses\` and commit what it writes.`,
  );
}
process.exitCode = wrong.length === 0 ? 0 : 1;

/** The text of the file, or "" for a package with nothing of others. */
function licensesOf(folder, { name, dependencies, optionalDependencies, devDependencies = {} }) {
  const bundled = [...outsideTree(folder, Object.keys(devDependencies)).values()];
  const installed = [...outsideTree(folder, Object.keys({ ...dependencies, ...optionalDependencies })).values()];
  for (const { manifest } of [...bundled, ...installed]) {
    if (!ACCEPTED.has(manifest.license)) {
      throw new Error(`${manifest.name}, which ${name} needs, is under ${manifest.license}: is that acceptable?`);
    }
  }
  return [
    ...(bundled.length === 0 ? [] : [`The code of ${name} includes:\n`, ...bundled.map(withText)]),
    ...(installed.length === 0 ? [] : [`Installed with ${name}, each with its licence:\n`]),
    ...installed.map(summary),
  ]
    .map((part) => `${part}\n`)
    .join("");
}

/** Packages that are not ours, by name, with all that they depend on. */
function outsideTree(folder, names, found = new Map()) {
  for (const name of names.filter((each) => !each.startsWith("@multifrost/") && !found.has(each)).sort()) {
    const root = findPackage(folder, name);
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    found.set(name, { root, manifest });
    outsideTree(root, Object.keys(manifest.dependencies ?? {}), found);
  }
  return found;
}

function findPackage(folder, name) {
  const folders = createRequire(join(realpathSync(folder), "package.json")).resolve.paths(name);
  const root = folders.map((each) => join(each, name)).find((each) => existsSync(join(each, "package.json")));
  if (root === undefined) {
    throw new Error(`${name}, which ${dirname(folder)} needs, is not installed.`);
  }
  return realpathSync(root);
}

function summary({ manifest: { name, version, license } }) {
  return `${name} ${version}, ${license}`;
}

function withText(outside) {
  const file = readdirSync(outside.root).find((each) => /^licen[cs]e(\.(txt|md))?$/i.test(each));
  if (file === undefined) {
    throw new Error(`${outside.manifest.name} has no licence file, and its code is in ours.`);
  }
  return `${summary(outside)}\n\n${readFileSync(join(outside.root, file), "utf8").trim()}\n`;
}
