import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** The Markdown files of the repository, without those of installed packages and the generated API reports. */
export function listDocuments(): string[] {
  return execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], { cwd: root })
    .toString()
    .split("\n")
    .filter((file) => file !== "" && !file.endsWith(".api.md") && existsSync(join(root, file)));
}

/** What a comment `<!-- check: … -->` before a block can ask for. */
export interface Checks {
  /** Runs the program, after the services of its page have started. */
  readonly run?: true;
  /** Starts the program before the programs of its page run, and ends it after them. */
  readonly service?: true;
  /** What the program prints. Without it, a following `text` block has the output, or the output is not compared. */
  readonly prints?: string;
  /** Parts of what the program prints, separated by ` | `. */
  readonly contains?: string;
  /** The context module that declares the names which the block uses and does not import. */
  readonly with?: string;
  /** `python`: needs python3 with msgpack. */
  readonly needs?: string;
}

export interface Block {
  readonly file: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** The file name in the first line, such as `// main.ts`. */
  readonly name: string | undefined;
  readonly checks: Checks;
}

const FENCE = /^([ >]*)(```+|~~~+)(.*)$/;
const CHECK = /^<!-- check: (.+) -->$/;
const NAME = /^(?:\/\/|#) ([\w-]+(?:\.\w+)+)\b/;
const FLAGS = ["run", "service"];
const VALUES = ["prints", "contains", "with", "needs"];

/** Every fenced block of a document. Throws for a fence that never closes and for a check without a block. */
export function readBlocks(file: string, text: string = readFileSync(join(root, file), "utf8")): Block[] {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  let checks: Checks | undefined;
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    const check = CHECK.exec(line.trim());
    if (check !== null) {
      checks = readChecks(check[1] ?? "", `${file}:${index + 1}`);
      continue;
    }
    const [fence, indent = "", ticks = "", info = ""] = FENCE.exec(line) ?? [];
    if (fence === undefined) {
      if (checks !== undefined && line.trim() !== "") {
        throw new Error(`${file}:${index + 1}: no block follows the check`);
      }
      continue;
    }
    const end = lines.findIndex((other, at) => at > index && other.slice(indent.length).trim() === ticks);
    if (end === -1) {
      throw new Error(`${file}:${index + 1}: the block never ends`);
    }
    const code = lines.slice(index + 1, end).map((each) => each.slice(indent.length));
    blocks.push({
      file,
      line: index + 1,
      // The first word: `rust,no_run` is Rust.
      language: /^ *([^\s,]*)/.exec(info)?.[1] ?? "",
      code: `${code.join("\n")}\n`,
      name: NAME.exec(code[0] ?? "")?.[1],
      checks: checks ?? {},
    });
    checks = undefined;
    index = end;
  }
  return blocks;
}

function readChecks(text: string, where: string): Checks {
  const entries = text.split(";").map((part) => {
    const [, key = "", value = ""] = /^\s*(\w+)(?::\s*(.*?))?\s*$/.exec(part) ?? [];
    if (!(value === "" ? FLAGS : VALUES).includes(key)) {
      throw new Error(`${where}: '${part.trim()}' is not a check`);
    }
    return [key, value === "" ? true : value];
  });
  return Object.fromEntries(entries) as Checks;
}
