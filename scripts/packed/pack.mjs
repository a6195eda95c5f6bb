// Which packages are published, and how one becomes a tarball.

import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { runCommand } from "./command.mjs";

/** The top of the repository. */
export const ROOT = join(import.meta.dirname, "..", "..");

/** Every package that is not private, with its folder. */
export function publishablePackages() {
  const parent = join(ROOT, "packages");
  return readdirSync(parent)
    .map((folder) => ({ folder: join(parent, folder), manifest: readManifest(join(parent, folder)) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder, manifest }));
}

/** Packs one into `destination`; resolves to the tarball's path. */
export async function pack({ folder }, destination) {
  const command = [...pnpm(), "pack", "--json", "--pack-destination", destination];
  const { filename } = JSON.parse(await runCommand(command, { cwd: folder, timeoutSeconds: 60 }));
  return join(destination, basename(filename));
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** The pnpm that runs this script, or else one that npx fetches. */
function pnpm() {
  const running = process.env.npm_execpath ?? "";
  if (!basename(running).startsWith("pnpm") && basename(dirname(running)) !== "pnpm") {
    return ["npx", "-y", "pnpm@12"];
  }
  const isScript = [".js", ".cjs", ".mjs"].includes(extname(running));
  return isScript ? [process.execPath, running] : [running];
}
