// `pnpm api`: writes a text file for each entry point of each package, with all that it exports, into the package's `api`
// folder. With --check it writes nothing, and exits with 1 where a file is not what it would write.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";
import { publishablePackages, ROOT } from "./packages.mjs";

/** Entry points for our own packages alone. */
const INTERNAL = new Set(["@multifrost/protocol/internal"]);

const check = process.argv.includes("--check");
const temp = mkdtempSync(join(realpathSync(tmpdir()), "multifrost-api-"));
process.once("exit", () => rmSync(temp, { recursive: true, force: true }));

const differing = publishablePackages().flatMap((each) => {
  const written = join(temp, basename(each.folder));
  mkdirSync(written);
  for (const [subpath, entry] of Object.entries(each.manifest.exports)) {
    if (typeof entry === "object" && !INTERNAL.has(`${each.name}${subpath.slice(1)}`)) {
      writeReport(each, subpath, entry.types, written);
    }
  }
  return compare(join(each.folder, "api"), written);
});
if (check && differing.length > 0) {
  console.error(`The public API is not what these files say:\n${differing.join("\n")}`);
  console.error("If the change is intended, run `npx -y pnpm@12 api`, read the diff, and commit it.");
  process.exitCode = 1;
}

function writeReport({ name, folder, manifest }, subpath, types, reportFolder) {
  const entry = subpath === "." ? "index" : subpath.slice(2).replaceAll("/", "-");
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
    packageJson: manifest,
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, types),
      newlineKind: "lf",
      compiler: { overrideTsconfig: compilerConfig(join(folder, types)) },
      apiReport: {
        enabled: true,
        reportFileName: `${entry}.api.md`,
        reportFolder,
        reportTempFolder: join(temp, "work"),
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: "error" } },
        extractorMessageReporting: {
          default: { logLevel: "warning", addToApiReportFile: true },
          // Types that exported ones need are in the report, though they have no name outside.
          "ae-forgotten-export": { logLevel: "none" },
          "ae-missing-release-tag": { logLevel: "none" },
          "ae-undocumented": { logLevel: "none" },
          // Our links are those of TypeScript's language service.
          "ae-unresolved-link": { logLevel: "none" },
        },
        tsdocMessageReporting: { default: { logLevel: "none" } },
      },
    },
  });
  const { succeeded } = Extractor.invoke(config, { localBuild: true, messageCallback: report });
  if (!succeeded) {
    throw new Error(`No report could be made of ${name}${subpath.slice(1)}.`);
  }
}

/** Without the condition for our sources: what users get is reported. */
function compilerConfig(file) {
  return {
    compilerOptions: {
      target: "es2022",
      lib: ["es2023", "esnext.disposable"],
      types: ["node"],
      module: "nodenext",
      moduleResolution: "nodenext",
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
    },
    files: [file],
  };
}

function report(message) {
  message.handled = message.logLevel !== "error";
}

/** Returns the files that differ. A check prints how; otherwise they are replaced. */
function compare(folder, written) {
  const names = new Set([...filesIn(folder), ...filesIn(written)]);
  const changed = [...names].filter((name) => textOf(join(folder, name)) !== textOf(join(written, name)));
  if (check) {
    for (const name of changed) {
      const [before, after] = [join(folder, name), join(written, name)].map((file) =>
        existsSync(file) ? file : devNull,
      );
      spawnSync("git", ["--no-pager", "diff", "--no-index", before, after], { stdio: ["ignore", 2, 2] });
    }
  } else {
    rmSync(folder, { recursive: true, force: true });
    cpSync(written, folder, { recursive: true });
  }
  return changed.map((name) => relative(ROOT, join(folder, name)));
}

function filesIn(folder) {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function textOf(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
