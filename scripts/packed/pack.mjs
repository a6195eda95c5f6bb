// How a package becomes a tarball.

import { basename, dirname, extname, join } from "node:path";
import { runCommand } from "./command.mjs";

/** Packs one into `destination`; resolves to the tarball's path. */
export async function pack({ folder }, destination) {
  const command = [...pnpm(), "pack", "--json", "--pack-destination", destination];
  const { filename } = JSON.parse(await runCommand(command, { cwd: folder, timeoutSeconds: 60 }));
  return join(destination, basename(filename));
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
