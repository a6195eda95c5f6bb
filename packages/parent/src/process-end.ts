// The end of a worker's process, told to the log and to listeners: here and nowhere else.

import type { ExitDetails } from "@multifrost/protocol";
import type { Instruments } from "./instruments.js";
import type { LifeConfig } from "./life-config.js";
import { describeExit } from "./spawn/wait-until-ready.js";

/** Tells of an exit. One that nobody asked for is a warning: perhaps nobody else hears of it. */
export function noteProcessEnd(
  exit: ExitDetails,
  unexpected: boolean,
  { name, notify }: Pick<LifeConfig, "name" | "notify">,
  { events }: Pick<Instruments, "events">,
): void {
  const message = `The process of ${name} ended (${describeExit(exit)}).`;
  const { exitCode, signal, stderrTail, command } = exit;
  const fields = { message, details: { exitCode, signal, stderrTail, command } };
  events.emit("process_exit", fields, unexpected ? "warn" : "info");
  notify("exit", exit);
}
