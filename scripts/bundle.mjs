// Makes one JavaScript file for each entry point of a package. Why rolldown, and what is bundled:
// docs/decisions/bundling.md.

import { existsSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { rolldown } from "rolldown";

/**
 * The packages of this repository whose code the facade brings along: what every worker or parent needs at its start. The
 * registry stays an import, which only services and their parents load.
 */
const IN_FACADE = ["protocol", "transport", "reliability", "parent", "child"].map((name) => `@multifrost/${name}`);

/**
 * Writes the bundles of a package into its `dist`, where the compiler has written the types. Code that several entry points
 * share is in `shared.js`. Throws where a bundle imports a package that the manifest does not list.
 */
export async function bundle({ folder, manifest }) {
  const build = await rolldown({
    input: entryPoints(manifest, folder),
    platform: "neutral",
    external: (id) => !isBundled(id, manifest),
    resolve: { mainFields: ["module", "main"], conditionNames: ["@multifrost/source", "import"] },
    transform: { target: "node20.19" },
    // Nothing has an effect at import: an import that is not used goes away.
    treeshake: { moduleSideEffects: false },
    tsconfig: false,
    onLog(level, { message }) {
      throw new Error(`${manifest.name}: ${level}: ${message}`);
    },
  });
  const dist = join(folder, "dist");
  const { output } = await build.write({
    dir: dist,
    format: "esm",
    sourcemap: true,
    sourcemapPathTransform: (path) => path.replace(/^.*\/node_modules\//, "node_modules/"),
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    minifyInternalExports: false,
    codeSplitting: { groups: [{ name: "shared", minShareCount: manifest.name === "multifrost" ? 3 : 2 }] },
  });
  await build.close();
  refuseUndeclared(output, manifest);
  removeStale(dist, new Set(output.map(({ fileName }) => fileName)));
}

/** `./dist/errors/index.js` → the source it is made from, by its name in `dist`. */
function entryPoints({ exports }, folder) {
  const entries = Object.values(exports).filter((entry) => typeof entry === "object");
  return Object.fromEntries(
    entries.map((entry) => [
      entry.default.replace(/^\.\/dist\/(.*)\.js$/, "$1"),
      join(folder, entry["@multifrost/source"]),
    ]),
  );
}

/** Our own files, and the packages that are needed for the build alone: what is in `dependencies` stays an import. */
function isBundled(id, { name, devDependencies = {} }) {
  const inFacade = name === "multifrost" && IN_FACADE.some((each) => id === each || id.startsWith(`${each}/`));
  return /^[./]/.test(id) || Object.hasOwn(devDependencies, id) || inFacade;
}

function refuseUndeclared(output, { name, dependencies = {}, optionalDependencies = {} }) {
  const declared = { ...dependencies, ...optionalDependencies };
  for (const { imports = [], dynamicImports = [], fileName } of output) {
    const written = new Set(output.map((each) => each.fileName));
    for (const id of [...imports, ...dynamicImports].filter(
      (each) => !written.has(each) && !each.startsWith("node:"),
    )) {
      if (!Object.hasOwn(declared, id.split("/", id.startsWith("@") ? 2 : 1).join("/"))) {
        throw new Error(`${name}: ${fileName} imports ${id}, which is no dependency.`);
      }
    }
  }
}

/** Takes out what an earlier build wrote and this one did not, and types whose source is gone. */
function removeStale(dist, written) {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = relative(dist, join(entry.parentPath, entry.name)).replaceAll("\\", "/");
    if (/\.js(\.map)?$/.test(file) ? !written.has(file) : isOrphan(dist, file)) {
      rmSync(join(dist, file));
    }
  }
}

function isOrphan(dist, file) {
  const source = /^(.*)\.d\.ts(\.map)?$/.exec(file)?.[1];
  return source !== undefined && !existsSync(join(dist, "..", "src", `${source}.ts`));
}
