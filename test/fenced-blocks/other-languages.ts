import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Block, root } from "./blocks.ts";

/** Checks of blocks that are neither TypeScript nor JavaScript nor Python, by language: each gives what is wrong. */
export const CHECKS: Readonly<Record<string, { title: string; faults(block: Block): string[] }>> = {
  sh: { title: "parses, and the scripts and files that it names exist", faults: shellFaults },
  go: { title: "is code of a Go file that CI compiles", faults: (block) => compiledFaults(block, GO_FILES) },
  rust: { title: "is code of a Rust file or a doc test that CI compiles", faults: rustFaults },
  json: { title: "parses", faults: ({ code }) => jsonFaults(code) },
  jsonc: { title: "parses", faults: ({ code }) => jsonFaults(code.replace(/ \/\/ .*$/gm, "")) },
  toml: { title: "has dependencies with the versions that this repository uses", faults: tomlFaults },
  mermaid: { title: "is a diagram", faults: mermaidFaults },
  text: { title: "is output or a drawing", faults: () => [] },
  "": { title: "is output or a drawing", faults: () => [] },
};

const GO_FILES = { folders: ["peers/go", "examples/go-service"], extension: ".go" };
const RUST_FILES = {
  folders: ["peers/rust/src", "peers/rust/examples", "peers/rust/tests", "examples/rust-codec/src"],
  extension: ".rs",
};

const scripts = Object.keys(
  (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> }).scripts,
);

function shellFaults({ code }: Block): string[] {
  try {
    execFileSync("bash", ["-n"], { input: code, stdio: ["pipe", "pipe", "pipe"] });
  } catch (error) {
    const { code: reason, stderr } = error as { code?: string; stderr: Buffer };
    return reason === "ENOENT" ? [] : [stderr.toString()];
  }
  const named = [...code.matchAll(/\bpnpm(?:@\d+)? ([\w:-]+)/g)].map(([, name = ""]) => name);
  const paths = [...code.matchAll(/\b(?:tsx|node|bash|--test) ((?:[\w.-]+\/)+[\w.-]+)/g)].map(([, path = ""]) => path);
  return [
    ...named.filter((name) => name !== "install" && !scripts.includes(name)).map((name) => `no script '${name}'`),
    ...paths.filter((path) => !existsSync(join(root, path))).map((path) => `no file '${path}'`),
  ];
}

/** The lines without indentation, empty lines and the marks of doc comments. */
function essence(code: string): string {
  const lines = code.split("\n").map((line) => line.trim().replace(/^\/\/[/!] ?/, ""));
  return `\n${lines.filter((line) => line !== "").join("\n")}\n`;
}

function compiledFaults({ code }: Block, { folders, extension }: typeof GO_FILES): string[] {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(root, folder, name)),
  );
  const sources = files.filter((file) => file.endsWith(extension));
  const parts = code.split(/^.*\/\/ …$/m).map(essence);
  const found = sources.some((file) => containsInOrder(essence(readFileSync(file, "utf8")), parts));
  return found ? [] : [`no ${extension} file of ${folders.join(", ")} contains it`];
}

/** Whether a text has all parts, one after the other. A comment `…` in a block stands for what is between them. */
function containsInOrder(text: string, parts: readonly string[]): boolean {
  let at = 0;
  return parts.every((part) => {
    const found = text.indexOf(part, at);
    at = found + part.length - 1;
    return found !== -1;
  });
}

function rustFaults(block: Block): string[] {
  const library = readFileSync(join(root, "peers/rust/src/lib.rs"), "utf8");
  const isDocTest = block.file === "peers/rust/README.md" && library.includes('include_str!("../README.md")');
  return isDocTest ? [] : compiledFaults(block, RUST_FILES);
}

function jsonFaults(text: string): string[] {
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

/** Every line is a table or a dependency, and its version is a prefix of the one that the Rust library has. */
function tomlFaults({ code }: Block): string[] {
  const manifest = readFileSync(join(root, "peers/rust/Cargo.toml"), "utf8");
  const own = /^version = "([^"]+)"/m.exec(manifest)?.[1] ?? "";
  return code
    .split("\n")
    .filter((line) => line !== "" && !/^\[[\w.-]+\]$/.test(line))
    .filter((line) => {
      const [, name, version = ""] = /^([\w-]+) = (?:\{ version = )?"([\d.]+)"/.exec(line) ?? [];
      const used = new RegExp(`^${name} = .*"([\\d.]+)"`, "m").exec(manifest)?.[1];
      return !(name === "multifrost" ? own : (used ?? "")).startsWith(version) || name === undefined;
    })
    .map((line) => `not a dependency as peers/rust/Cargo.toml has it: ${line}`);
}

function mermaidFaults({ code }: Block): string[] {
  const kinds = ["sequenceDiagram", "flowchart", "graph", "stateDiagram-v2", "classDiagram"];
  return kinds.some((kind) => code.trimStart().startsWith(kind)) ? [] : [`it begins with none of ${kinds.join(", ")}`];
}
