// One parent with one worker in one mode: every case, with a new worker for each case that ends it.

import { type Language, parentCommand, workerCommand } from "./languages.ts";
import { holdsWithin, type Line, runs, startParent, startService, withHome } from "./processes.ts";

export type Mode = "spawn" | "connect";

/** Cases that share one worker, in this order. */
const SHARED = [
  ...["results", "errors", "values", "binary", "int64", "unicode", "concurrent", "timeout", "busy-heartbeats"],
  ...["output", "private", "missing", "list-functions", "namespace"],
];

/** Cases that end their worker, so each gets a new one. */
const ENDING = ["shutdown", "child-crash", "parent-crash"];

/** A case in which the service is ended and started again while it is called. */
const RESTART = "service-restart";

/** The cases of a mode. */
export function casesOf(mode: Mode): readonly string[] {
  return mode === "spawn" ? [...SHARED, ...ENDING] : [...SHARED, ...ENDING, RESTART];
}

/** How long a spawned worker may outlive its parent, in milliseconds. Source: LIFE-3. */
const ORPHAN_MS = 2000;

/** The outcome of a case. */
export interface Result {
  readonly parent: Language;
  readonly child: Language;
  readonly mode: Mode;
  readonly case: string;
  /** Absent if the case passed. */
  readonly failure?: string;
}

/** A parent and a worker, which may be a service. */
interface Pair {
  readonly parent: Language;
  readonly child: Language;
  readonly mode: Mode;
}

/** Runs every case of a pair. */
export async function runPair(pair: Pair): Promise<Result[]> {
  const failures = new Map<string, string>();
  await fresh(pair, SHARED, failures, 0);
  await fresh(pair, ["shutdown"], failures, 0);
  await fresh(pair, ["child-crash"], failures, 3);
  await fresh(pair, ["parent-crash"], failures, 0);
  if (pair.mode === "connect") {
    await restarted(pair, failures);
  }
  return casesOf(pair.mode).map((name) => {
    const failure = failures.get(name);
    return { ...pair, case: name, ...(failure === undefined ? {} : { failure }) };
  });
}

/** Runs cases with a new worker, and checks how a service ends. */
async function fresh(
  pair: Pair,
  cases: readonly string[],
  failures: Map<string, string>,
  exitCode: number,
): Promise<void> {
  const [first] = cases;
  await withHome(async (home) => {
    if (pair.mode === "spawn") {
      return runCases(pair, cases, home, failures);
    }
    const service = await startService(workerCommand(pair.child), "matrix", home);
    await runCases(pair, cases, home, failures);
    const ended = await service.end();
    if (ended !== exitCode && !failures.has(first!)) {
      failures.set(first!, `the service ended with ${ended}, not ${exitCode}`);
    }
  }).catch((error: unknown) => cases.forEach((name) => void failures.set(name, String(error))));
}

/** Ends the service in order, and starts it again, while the parent calls it without a pause. */
async function restarted(pair: Pair, failures: Map<string, string>): Promise<void> {
  await withHome(async (home) => {
    let service = await startService(workerCommand(pair.child), "matrix", home);
    await runCases(pair, [RESTART], home, failures, async () => {
      const ended = await service.end();
      service = await startService(workerCommand(pair.child), "matrix", home);
      return ended === 0 ? undefined : `the service ended with ${ended}, not 0`;
    });
    await service.end();
  }).catch((error: unknown) => void failures.set(RESTART, String(error)));
}

/** @param onPid - What happens when the parent reports the worker's process. Default: the parent is killed. */
async function runCases(
  pair: Pair,
  cases: readonly string[],
  home: string,
  failures: Map<string, string>,
  onPid?: (pid: number) => Promise<string | undefined>,
): Promise<void> {
  const plan = { mode: pair.mode, worker: workerCommand(pair.child), service: "matrix", cases };
  const parent = startParent(parentCommand(pair.parent), plan, home);
  const silent = new Set(cases);
  for await (const line of parent.lines) {
    silent.delete(line.case);
    const after = onPid ?? ((pid: number) => afterCrash(pair, parent.child, pid, home));
    const failure = line.pid === undefined ? failureOf(line) : await after(line.pid);
    if (failure !== undefined) {
      failures.set(line.case, failure);
    }
  }
  for (const name of silent) {
    failures.set(name, `nothing was said of it; ${parent.ending()}`);
  }
  const [first] = cases;
  if (first !== "parent-crash" && parent.child.exitCode !== 0 && !failures.has(first!)) {
    failures.set(first!, parent.ending());
  }
}

function failureOf(line: Line): string | undefined {
  return line.ok ? undefined : (line.detail ?? "it failed, and nothing more was said");
}

/** Kills a parent in the middle of a call: the worker it spawned ends, a service serves the next parent. */
async function afterCrash(
  pair: Pair,
  parent: { kill(signal: "SIGKILL"): boolean },
  pid: number,
  home: string,
): Promise<string | undefined> {
  if (!runs(pid)) {
    return `its worker, process ${pid}, did not run before it was killed`;
  }
  parent.kill("SIGKILL");
  if (pair.mode === "spawn") {
    const gone = await holdsWithin(ORPHAN_MS, () => !runs(pid));
    if (!gone) {
      process.kill(pid, "SIGKILL");
    }
    return gone ? undefined : `the worker still ran ${ORPHAN_MS} ms after its parent was killed`;
  }
  const failures = new Map<string, string>();
  await runCases(pair, ["results"], home, failures);
  return failures.get("results");
}
