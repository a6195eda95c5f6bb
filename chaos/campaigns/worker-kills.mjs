// A worker is killed again and again while 64 callers call it: every call settles, once and soon, and calls go on.

import { fileURLToPath } from "node:url";
import { ParentWorker } from "multifrost";
import { Callers, countingUnhandled, Notes, pause, quantile, until } from "../callers.mjs";

const WORKERS = { typescript: "typescript.mjs", python: "python.py" };
const CALLERS = 64;

/** How long a call may stay unsettled once its worker is dead, in milliseconds. */
const SETTLED_WITHIN_MS = 1_000;

export function scriptOf(language) {
  return fileURLToPath(new URL(`../workers/${WORKERS[language]}`, import.meta.url));
}

export async function workerKills({ language, times, random }) {
  const notes = new Notes();
  const worker = ParentWorker.spawn(scriptOf(language), {
    args: [notes.path],
    autoRestart: true,
    // The restarts that are wanted here are more than a worker has.
    maxRestartAttempts: Number.MAX_SAFE_INTEGER,
    restartWindow: 0,
    restartBackoff: 0.1,
    logger: false,
  });
  await worker.start();
  const startMs = await startTime(language);
  const toRejection = [];
  const toAnswer = [];
  let killedAt = Number.NaN;
  let unsettled = 0;
  const unhandled = await countingUnhandled(async () => {
    const callers = new Callers(
      (id) => worker.call.note(id),
      CALLERS,
      ({ madeAt, code, settledAt }) => {
        if (code !== undefined && madeAt < killedAt) {
          toRejection.push(settledAt - killedAt);
        } else if (code === undefined && madeAt > killedAt) {
          toAnswer.push(settledAt - killedAt);
          killedAt = Number.NaN;
        }
      },
    );
    for (let count = 0; count < times; count += 1) {
      await pause(random() * 60);
      const { pid } = worker;
      if (pid === undefined) {
        count -= 1;
        continue;
      }
      killedAt = performance.now();
      const inFlight = [...callers.pending.keys()];
      process.kill(pid, "SIGKILL");
      await until(() => Number.isNaN(killedAt), "a good call after a kill");
      const late = () => inFlight.filter((id) => callers.pending.has(id)).length;
      await until(() => late() === 0, "calls to settle", SETTLED_WITHIN_MS).catch(() => {
        unsettled += late();
      });
    }
    unsettled += await callers.stop(SETTLED_WITHIN_MS);
    report.calls = callers.made;
    report.wrong = callers.wrong;
    report.answered = callers.outcomes.get("ok") ?? 0;
  });
  await worker.stop();
  const repeated = notes.repeated;
  notes.remove();
  return [
    { title: "calls", value: report.calls },
    { title: "answered", value: report.answered },
    { title: "unsettled after 1 s", value: unsettled, most: 0 },
    { title: "run twice", value: repeated, most: 0 },
    { title: "wrong answers", value: report.wrong, most: 0 },
    { title: "unhandled rejections", value: unhandled, most: 0 },
    { title: "from the kill to the rejection of a call, p50, ms", value: quantile(toRejection, 0.5) },
    {
      title: "from the kill to the rejection of a call, p99, ms",
      value: quantile(toRejection, 0.99),
      most: 50,
      isTime: true,
    },
    { title: "start of a worker, ms", value: startMs },
    {
      title: "from the kill to the first answer, p50, ms",
      value: quantile(toAnswer, 0.5),
      most: 100 + startMs + 50,
      isTime: true,
    },
    { title: "from the kill to the first answer, p99, ms", value: quantile(toAnswer, 0.99) },
  ];
}

const report = { calls: 0, answered: 0, wrong: 0 };

/** The median of a few starts, in milliseconds. */
async function startTime(language) {
  const starts = [];
  for (let count = 0; count < 5; count += 1) {
    const notes = new Notes();
    const worker = ParentWorker.spawn(scriptOf(language), { args: [notes.path], logger: false });
    const from = performance.now();
    await worker.start();
    await worker.call.note(0);
    starts.push(performance.now() - from);
    await worker.stop();
    notes.remove();
  }
  return quantile(starts, 0.5);
}
