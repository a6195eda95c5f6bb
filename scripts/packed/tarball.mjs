// What a tarball must have in it, and what not.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { Failure, runCommand } from "./command.mjs";

/** Tests, and what tests need, are no use to a user. */
const TEST_FILE = /(^|\/)(test|tests|fixtures)\/|\.test\.|\.spec\./;

/** Folders and files at the top of a package; nothing else belongs there. */
const TOP_LEVEL = new Set([
  "package.json",
  "README.md",
  "LICENSE",
  "THIRD-PARTY-LICENSES",
  "CHANGELOG.md",
  "dist",
  "src",
]);

/** Looks into a tarball. Rejects with a `Failure` that names everything that is wrong. */
export async function checkTarball(tarball, { name }, temp) {
  const folder = join(temp, "unpacked", name);
  mkdirSync(folder, { recursive: true });
  await runCommand(["tar", "-xzf", tarball, "-C", folder], { cwd: temp, timeoutSeconds: 30 });
  const root = join(folder, "package");
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll("\\", "/"),
    );
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const wrong = [...wrongFiles(files, manifest, root), ...wrongManifest(manifest)];
  if (wrong.length > 0) {
    throw new Failure(wrong.join("\n"));
  }
}

function wrongFiles(files, manifest, root) {
  const present = new Set(files);
  const wanted = ["README.md", "LICENSE", ...exportedFiles(manifest.exports)];
  return [
    ...wanted.filter((file) => !present.has(file)).map((file) => `${file} is missing`),
    ...files.filter((file) => TEST_FILE.test(file)).map((file) => `${file} belongs to the tests`),
    ...files.filter((file) => !TOP_LEVEL.has(file.split("/")[0])).map((file) => `${file} does not belong here`),
    ...wrongBundles(files, manifest.exports, root),
    ...wrongMaps(files, root),
  ];
}

/** JavaScript is an entry point, or what entry points share or load later, and has a source map; besides it there are only types. */
function wrongBundles(files, exports, root) {
  const entries = exportedFiles(exports).filter((file) => file.endsWith(".js"));
  const scripts = new Set([...entries, ...entries.flatMap((entry) => neighbours(root, entry))]);
  const present = new Set(files);
  const others = files.filter((file) => /^dist\//.test(file) && !/\.d\.ts(\.map)?$/.test(file));
  return [
    ...others
      .filter((file) => !scripts.has(file.replace(/\.map$/, "")))
      .map((file) => `${file} is left over: remove dist and build again`),
    ...others
      .filter((file) => file.endsWith(".js") && !present.has(`${file}.map`))
      .filter((file) => !onlyReExports(readFileSync(join(root, file), "utf8")))
      .map((file) => `${file} has no source map`),
  ];
}

/** The files that a bundle imports from its own folder. What several entry points share imports at most one more. */
function neighbours(root, file) {
  const imports = readFileSync(join(root, file), "utf8").matchAll(/(?: from |import\()"(\.[^"]+)"\)?;$/gm);
  const found = [...imports].map(([, path]) => posix.join(file, "..", path));
  return [...found, ...found.filter((path) => path !== file).flatMap((path) => neighbours(root, path))];
}

/** What a map leads to is in the tarball or in the map itself: "go to definition" and stack traces show our source. */
function wrongMaps(files, root) {
  const present = new Set(files);
  return files
    .filter((file) => file.endsWith(".map"))
    .flatMap((file) => {
      const { sources, sourcesContent = [] } = JSON.parse(readFileSync(join(root, file), "utf8"));
      return sources
        .filter(
          (source, index) => !present.has(posix.join(file, "..", source)) && typeof sourcesContent[index] !== "string",
        )
        .map((source) => `${file} leads to ${source}, which is not there`);
    });
}

/** A file without code has nothing to map. */
function onlyReExports(script) {
  return script
    .trim()
    .split("\n")
    .every((line) => /^(import|export) .* from "[^"]+";$/.test(line) || /^export \{.*\};$/.test(line));
}

/** Every file that the exports map names, whatever the condition. */
function exportedFiles(target) {
  return typeof target === "string" ? [target.replace(/^\.\//, "")] : Object.values(target).flatMap(exportedFiles);
}

function wrongManifest({ license, types, exports, dependencies, optionalDependencies, devDependencies }) {
  const ranges = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies });
  return [
    ...ranges
      .filter(([, range]) => /^(workspace|link|file|catalog):/.test(range))
      .map(([name, range]) => `${name} is asked for as ${range}`),
    ...(license === "MIT" ? [] : [`the licence is ${license}`]),
    ...Object.entries(exports)
      .filter(([path, target]) => path !== "./package.json" && typeof target.types !== "string" && types === undefined)
      .map(([path]) => `the subpath ${path} has no types`),
  ];
}
