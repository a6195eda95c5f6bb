// The packages of this repository, as the scripts see them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The top of the repository. */
export const ROOT = join(import.meta.dirname, "..");

/** Every package that is not private, with its folder and its manifest. */
export function publishablePackages() {
  const parent = join(ROOT, "packages");
  return readdirSync(parent)
    .map((folder) => ({ folder: join(parent, folder), manifest: readManifest(join(parent, folder)) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder, manifest }));
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}
