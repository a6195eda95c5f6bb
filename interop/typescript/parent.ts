// The TypeScript parent of the matrix: runs the given cases on one worker, and prints a line of JSON for each.

import { ParentWorker } from "multifrost";
import { CASES, type Matrix } from "./cases.ts";

/** What the runner asks for. */
interface Plan {
  readonly mode: "spawn" | "connect";
  readonly worker: readonly [string, ...string[]];
  readonly service: string;
  readonly cases: readonly string[];
}

/** The time limit of a case, in milliseconds. */
const CASE_MS = 20_000;

/** Frequent heartbeats, to count them; a circuit that never opens, as some cases fail on purpose. */
const OPTIONS = {
  heartbeatInterval: 0.1,
  heartbeatTimeout: 2,
  heartbeatMaxMisses: 5,
  maxRestartAttempts: 1000,
  isFailure: () => false,
};

const plan = JSON.parse(process.argv[2] ?? "{}") as Plan;
const worker = await open(plan);
await worker.start();
for (const name of plan.cases) {
  report({ case: name, ...(await outcome(name)) });
}
await worker.stop();

async function open({ mode, worker: [program, ...rest], service }: Plan): Promise<ParentWorker<Matrix>> {
  if (mode === "connect") {
    return ParentWorker.connect<Matrix>(service, { ...OPTIONS, timeout: 15_000 });
  }
  const script = rest.pop();
  return script === undefined
    ? ParentWorker.spawn<Matrix>(program, undefined, OPTIONS)
    : ParentWorker.spawn<Matrix>(script, [program, ...rest], OPTIONS);
}

async function outcome(name: string): Promise<object> {
  const run = CASES[name];
  if (run === undefined) {
    return { ok: false, detail: "this parent does not know the case" };
  }
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`still not done after ${CASE_MS} ms`)), CASE_MS);
  try {
    const hangs = new Promise<never>((_, reject) =>
      late.signal.addEventListener("abort", () => reject(late.signal.reason)),
    );
    await Promise.race([run(worker, { mode: plan.mode, report }), hangs]);
    return { ok: true };
  } catch (error) {
    return { ok: false, detail: String(error instanceof Error ? error.message : error) };
  } finally {
    clearTimeout(timer);
  }
}

function report(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
