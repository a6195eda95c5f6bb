// `pnpm test:packed`: the packages as their users get them. Packs each, looks into it, installs them in an empty folder
// outside of the repository, and runs there what a user would run: the files in test/packed/.
// One line for each step; what a failed step printed is shown. Exit code 1 if one failed.

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publishablePackages } from "./packages.mjs";
import { createApp, createEmptyFolder, createProject } from "./packed/folders.mjs";
import { pack } from "./packed/pack.mjs";
import { commonSteps } from "./packed/run-in-app.mjs";
import { runtimeSteps } from "./packed/run-on-runtimes.mjs";
import { checkProtocolAlone } from "./packed/run-protocol-alone.mjs";
import { withoutOptionalSteps } from "./packed/run-without-optional.mjs";
import { createSteps } from "./packed/steps.mjs";
import { checkTarball } from "./packed/tarball.mjs";

const temp = mkdtempSync(join(realpathSync(tmpdir()), "multifrost-packed-"));
const remove = () => rmSync(temp, { recursive: true, force: true, maxRetries: 5 });
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => process.exit(1));
}
process.once("exit", remove);

const { step, summary } = createSteps();
const packages = publishablePackages();
const tarballs = new Map();

for (const each of packages) {
  await step(`${each.name}: packs, and the tarball has what it should and nothing else`, async () => {
    tarballs.set(each.name, await pack(each, temp));
    await checkTarball(tarballs.get(each.name), each, temp);
  });
}

const app = createApp(temp);
const installed = await step("all of them install with npm in an empty folder", () =>
  app.install([...tarballs.values()]),
);
if (installed) {
  for (const [title, run] of commonSteps(app, createEmptyFolder(temp, "bundled"))) {
    await step(title, run);
  }
}

const bare = createProject(temp, "bare");
const others = ["full", "bundled-bare"].map((name) => createEmptyFolder(temp, name));
await stepsInOrder(withoutOptionalSteps(bare, ...others, [...tarballs.values()]));
if (installed) {
  await stepsInOrder(runtimeSteps(app, createEmptyFolder(temp, "runtimes")));
}

const alone = createEmptyFolder(temp, "protocol-alone");
await stepsInOrder(checkProtocolAlone(alone, tarballs.get("@multifrost/protocol")));

process.exitCode = summary();

/** Each needs the one before. */
async function stepsInOrder(steps) {
  for (const [title, run] of steps) {
    if (!(await step(title, run))) {
      break;
    }
  }
}
