// The empty folders that stand for a user's project.

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../packages.mjs";
import { runCommand, userEnvironment } from "./command.mjs";

/** How long an install may take, in seconds: it fetches the outside dependencies. */
const INSTALL_SECONDS = 240;

/** Makes an empty folder with a manifest in it, and a home directory that belongs to it alone. */
export function createEmptyFolder(temp, name) {
  const folder = join(temp, name);
  const home = join(temp, `${name}-home`);
  mkdirSync(folder);
  mkdirSync(home);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  return {
    folder,
    home,
    install: (what) => installWithNpm(folder, what),
    /** Runs a command there, with a fresh home directory. */
    run: (command, timeoutSeconds = 60) =>
      runCommand(command, { cwd: folder, env: userEnvironment({ HOME: home, USERPROFILE: home }), timeoutSeconds }),
  };
}

/** A project with the scripts of test/packed/. */
export function createProject(temp, name) {
  const project = createEmptyFolder(temp, name);
  cpSync(join(ROOT, "test", "packed"), project.folder, { recursive: true });
  return project;
}

/** The project that has all packages, the scripts of test/packed/ and the example of a transport of one's own. */
export function createApp(temp) {
  const app = createProject(temp, "app");
  const example = join(ROOT, "examples", "own-transport");
  cpSync(example, join(app.folder, "own-transport"), {
    recursive: true,
    filter: (path) => !path.slice(example.length).includes("node_modules"),
  });
  // What a TypeScript project has anyway.
  return { ...app, install: (tarballs) => app.install([...tarballs, "tsx@4", "@types/node@20"]) };
}

async function installWithNpm(cwd, what) {
  const command = ["npm", "install", "--no-audit", "--no-fund", ...what];
  await runCommand(command, { cwd, timeoutSeconds: INSTALL_SECONDS });
}
