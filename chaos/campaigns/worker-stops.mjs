// A worker is stopped and continued again and again (SIGSTOP, SIGCONT) while 64 callers call it: no call is lost.

import { ParentWorker } from "multifrost";
import { Callers, countingUnhandled, Notes, pause } from "../callers.mjs";
import { scriptOf } from "./worker-kills.mjs";

const CALLERS = 64;

/** How long a call may stay unsettled once its worker goes on, in milliseconds. */
const SETTLED_WITHIN_MS = 1_000;

export async function workerStops({ language, times, random }) {
  const notes = new Notes();
  const worker = ParentWorker.spawn(scriptOf(language), {
    args: [notes.path],
    autoRestart: true,
    heartbeatInterval: 0.05,
    heartbeatTimeout: 0.05,
    logger: false,
  });
  let restarts = 0;
  worker.on("restart", () => {
    restarts += 1;
  });
  await worker.start();
  const { pid } = worker;
  let callers;
  let unsettled = 0;
  const unhandled = await countingUnhandled(async () => {
    callers = new Callers((id) => worker.call.note(id), CALLERS);
    for (let count = 0; count < times; count += 1) {
      await pause(random() * 20);
      process.kill(pid, "SIGSTOP");
      await pause(random() * 100);
      process.kill(pid, "SIGCONT");
    }
    unsettled = await callers.stop(SETTLED_WITHIN_MS);
  });
  await worker.stop();
  const repeated = notes.repeated;
  notes.remove();
  const failed = [...callers.outcomes].reduce((sum, [code, count]) => sum + (code === "ok" ? 0 : count), 0);
  return [
    { title: "calls", value: callers.made },
    { title: "unsettled 1 s after the last SIGCONT", value: unsettled, most: 0 },
    { title: "failed", value: failed, most: 0 },
    { title: "run twice", value: repeated, most: 0 },
    { title: "wrong answers", value: callers.wrong, most: 0 },
    { title: "unhandled rejections", value: unhandled, most: 0 },
    { title: "restarts", value: restarts, most: 0 },
  ];
}
