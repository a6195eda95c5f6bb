// `pnpm build`: the compiler checks the packages and writes their types, then each entry point becomes one file.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { bundle } from "./bundle.mjs";
import { publishablePackages, ROOT } from "./packages.mjs";

const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [compiler, "-b"], { cwd: ROOT, stdio: "inherit" });
if (status !== 0) {
  process.exit(status ?? 1);
}
await Promise.all(publishablePackages().map(bundle));
