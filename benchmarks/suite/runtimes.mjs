// What contenders need beyond this checkout: packages, and a newer Node. Both come from the npm registry when they are first used.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../contenders/", import.meta.url));

/** Installs the packages of `contenders/package.json` if a contender needs them. They have no part in the workspace's install. */
export function installFor(contenders) {
  if (contenders.some(({ packaged, node }) => packaged || node !== undefined)) {
    const args = ["install", "--ignore-workspace", "--ignore-scripts", "--frozen-lockfile", "--prefer-offline"];
    execFileSync("npx", ["-y", "pnpm@12", ...args], { cwd: FOLDER, stdio: ["ignore", "ignore", "inherit"] });
  }
}

/** The program that runs a contender: this Node if it is new enough, else the one that was installed. */
export function nodeFor({ id, node = 20 }) {
  if (Number.parseInt(process.versions.node, 10) >= node) {
    return process.execPath;
  }
  const path = `${FOLDER}node_modules/node-${process.platform}-${process.arch}/bin/node`;
  if (existsSync(path)) {
    return path;
  }
  throw new Error(
    `${id} needs Node ${node}, and there is no package with it for this system. Run the benchmark with Node ${node}.`,
  );
}
