import { onTestFinished } from "vitest";
import { ParentWorker, type SpawnOptions } from "../../src/index.js";
import { fixture } from "./processes.js";

/** The methods of fixtures/answers-calls.mjs. */
export interface Answering {
  add(a: number, b: number): number;
  echo<V>(value: V): V;
  fail(message: string): never;
  pid(): number;
  env(name: string): string | undefined;
  cwd(): string;
  args(): string[];
  execArgv(): string[];
  later<V>(value: V, ms: number): Promise<V>;
  compute(ms: number): number;
  hang(): Promise<never>;
  exit(code: number, lastWords?: string): never;
  answerAtTheEnd<V>(value: V, ms: number): Promise<V>;
  print(stream: "stdout" | "stderr", line: string): void;
  helper(): number;
  /** When `run()` had resolved in the worker, in milliseconds since the epoch. */
  reachableSince(): number;
}

/** A parent of a fixture's worker, not started; stopped after the test. Its log is off unless the test asks for it. */
export function spawnFixture<T = Answering>(name = "answers-calls.mjs", options: SpawnOptions = {}): ParentWorker<T> {
  const worker = ParentWorker.spawn<T>(fixture(name), { logger: false, ...options });
  onTestFinished(() => worker.stop());
  return worker;
}

/** The same, started. */
export async function startFixture<T = Answering>(name?: string, options?: SpawnOptions): Promise<ParentWorker<T>> {
  const worker = spawnFixture<T>(name, options);
  await worker.start();
  return worker;
}
