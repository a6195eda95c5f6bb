// Bun and Deno as parents and as children, with the packages as npm installs them.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "./command.mjs";
import { script } from "./run-in-app.mjs";

/** The versions that are tried. The README names them. */
const VERSIONS = { bun: "1.4.5", deno: "2.9.6" };

/** Each step with its title; the first installs the runtimes into `runtimes`. */
export function runtimeSteps(app, runtimes) {
  const commands = {
    node: () => [process.execPath],
    bun: () => [binary(runtimes, "@oven", join("bin", "bun"))],
    deno: () => [binary(runtimes, "@deno", "deno"), "run", "-A"],
  };
  const pairs = [
    ["bun", "bun"],
    ["bun", "node"],
    ["deno", "deno"],
    ["deno", "node"],
    ["node", "bun"],
    ["node", "deno"],
  ];
  return [
    [`Bun ${VERSIONS.bun} and Deno ${VERSIONS.deno} install`, () => install(runtimes)],
    ...["bun", "deno"].flatMap((name) =>
      ["javascript/parent.js", "typescript/parent.ts"].map((file) => [
        `${file} on ${name}, which also runs the worker`,
        () => script(app, [...commands[name](), file]),
      ]),
    ),
    ...pairs.flatMap(([parent, child]) => [
      [
        `the demo's calls: parent on ${parent}, worker on ${child}`,
        () => script(app, [...commands[parent](), "platforms/demo.js", child, ...commands[child]()]),
      ],
      [
        `however a parent on ${parent} ends, its worker on ${child} ends`,
        () => script(app, endsCommand(commands[parent](), commands[child]())),
      ],
    ]),
  ];
}

function endsCommand(parent, child) {
  return [process.execPath, "platforms/ends.js", JSON.stringify(parent), JSON.stringify(child)];
}

/** The binaries are packages of their own: the install scripts, which only link to them, need not run. */
function install(runtimes) {
  const packages = Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`);
  return runtimes.install(["--ignore-scripts", ...packages]);
}

function binary({ folder }, scope, path) {
  const scoped = join(folder, "node_modules", scope);
  const found = readdirSync(scoped).map((name) => join(scoped, name, path));
  const there = found.find((each) => existsSync(each));
  if (there === undefined) {
    throw new Failure(`no ${path} for this machine in ${scoped}: ${found}`);
  }
  return there;
}
