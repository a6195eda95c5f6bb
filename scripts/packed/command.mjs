// Runs a command to its end, and ends it with all that it has started if it takes too long.

import { spawn } from "node:child_process";

/** A check that failed or a command that did: the message has all there is to say. */
export class Failure extends Error {
  isFailure = true;
}

/**
 * Runs a command; resolves to what it wrote to stdout. Rejects with a `Failure` that shows its output if it ends with
 * anything but 0, or not within `timeoutSeconds`.
 */
export async function runCommand([program, ...args], { cwd, env = userEnvironment(), timeoutSeconds }) {
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let stdout = "";
  let all = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
    all += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    all += text;
  });
  const endAll = () => endGroup(child);
  process.prependOnceListener("exit", endAll);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endAll();
  }, timeoutSeconds * 1000);
  const how = await new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code === 0 ? undefined : `exit code ${code ?? signal}`));
  });
  clearTimeout(timer);
  process.off("exit", endAll);
  if (how !== undefined) {
    const why = late ? `not done after ${timeoutSeconds} s` : how;
    throw new Failure(`${[program, ...args].join(" ")}: ${why}\n${all}`);
  }
  return stdout;
}

/** The command leads a new process group. */
function endGroup(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** Settings of npm that a user may have made, and that an install may need. */
const KEPT_NPM_SETTINGS = new Set(["registry", "cafile", "cache", "proxy", "https_proxy", "noproxy"]);

/**
 * The environment as outside of `pnpm run`, which puts the repository's own programs in the path and hands its settings
 * to every npm below it.
 */
export function userEnvironment(added = {}) {
  const kept = Object.entries(process.env).filter(([name]) => {
    const setting = /^npm_config_(.*)$/i.exec(name)?.[1];
    return setting === undefined
      ? !/^(npm_|pnpm_|INIT_CWD$|NODE_PATH$|COMLINK_)/i.test(name)
      : KEPT_NPM_SETTINGS.has(setting.toLowerCase());
  });
  const env = Object.fromEntries(kept);
  const path = (env.PATH ?? "").split(":").filter((entry) => !entry.includes("node_modules"));
  return { ...env, PATH: path.join(":"), ...added };
}
