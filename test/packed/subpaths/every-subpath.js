// Every entry point of every installed package, by `import` and by `require`, which give the same.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const modules = join(import.meta.dirname, "..", "node_modules");
const packages = ["multifrost", ...readdirSync(join(modules, "@multifrost")).map((name) => `@multifrost/${name}`)];
assert.ok(packages.length > 6);

for (const name of packages) {
  const { exports } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
  for (const subpath of Object.keys(exports).filter((each) => each !== "./package.json")) {
    const specifier = `${name}${subpath.slice(1)}`;
    const imported = await import(specifier);
    assert.ok(Object.keys(imported).length > 0, specifier);
    assert.deepEqual({ ...require(specifier) }, { ...imported }, specifier);
  }
}
console.log("done");
