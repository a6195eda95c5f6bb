// What comes from a link, by how far the link is: before it is live its end is a start that fails, while it is live it
// is a loss, and once it was dropped it concerns nobody. Next: inbound.ts for messages, supervise.ts for losses.

import type { ExitDetails, MultifrostError } from "@multifrost/protocol";
import { type HeartbeatMonitor, type LogFields, type LogLevel, RareEvent } from "@multifrost/reliability";
import { createInbound } from "./inbound.js";
import type { Instruments } from "./instruments.js";
import type { LifeConfig } from "./life-config.js";
import type { LinkEvents, Loss } from "./link.js";
import type { LiveLink } from "./live-link.js";
import type { WorkerProcess } from "./spawn/worker-process.js";

/** What a link in use tells. Nothing after it was dropped, but for the end of its process. */
export interface LiveLinkEvents {
  /** It is proven. Told in the same turn, so that nothing can happen to it unseen. */
  live(live: LiveLink): void;
  interrupted(loss: Loss): void;
  resumed(): void;
  ended(loss: Loss): void;
  /** A process ended, of this link or of an attempt at it. `unexpected`: nobody had asked for it, or waits for it. */
  processEnded(exit: ExitDetails, unexpected: boolean): void;
}

/** What a link is made with. */
export interface LiveLinkParts {
  readonly config: LifeConfig;
  readonly instruments: Instruments;
  /** Prints the worker's lines, or hands them to listeners. */
  output(stream: "stdout" | "stderr", line: string): void;
  readonly signal: AbortSignal;
  readonly tell: LiveLinkEvents;
}

/** How far a link is, for what its events mean. */
export interface Stage {
  phase: "opening" | "live" | "dropped";
  worker: WorkerProcess | undefined;
  health: HeartbeatMonitor | undefined;
  /** Why it ended before it was live. */
  loss: Loss | undefined;
  /** Whether its process ended while it was live. */
  crashed: boolean;
  tellEnded(loss: Loss): void;
}

/** The stage of a link that is being opened, and its end if it comes too early. */
export function newStage(): { stage: Stage; ended: Promise<Loss> } {
  const start = { worker: undefined, health: undefined, loss: undefined, crashed: false };
  const stage: Stage = { phase: "opening", ...start, tellEnded() {} };
  const ended = new Promise<Loss>((resolve) => {
    stage.tellEnded = resolve;
  });
  return { stage, ended };
}

/** Makes the events of a link. */
export function linkEvents(stage: Stage, parts: LiveLinkParts): LinkEvents {
  const { config, instruments, output, tell } = parts;
  const dropped = dropLog(instruments, "warn");
  const early = (why: Loss): void => {
    stage.loss ??= why;
    stage.tellEnded(why);
  };
  return {
    message: inboundOf(stage, parts, (reason) =>
      dropped({ message: reason.message, details: { reason: reason.code } }),
    ),
    output,
    dropped: (reason) => dropped({ message: `Something else than a message came: ${reason}.`, details: { reason } }),
    spawned(worker) {
      const { pid, command } = worker;
      stage.worker = worker;
      instruments.events.emit("process_spawn", { message: `Started ${config.name}.`, details: { pid, command } });
      // After `ended`, which the link has asked for first: whoever hears of the exit finds the state that follows it.
      void worker.exited.then((exit) => tell.processEnded(exit, stage.crashed));
    },
    interrupted: (why) => (stage.phase === "live" ? tell.interrupted(why) : early(why)),
    resumed: () => stage.phase === "live" && tell.resumed(),
    ended(why) {
      stage.crashed = stage.phase === "live" && why.kind === "exit";
      if (stage.phase === "live") {
        tell.ended(why);
      } else {
        early(why);
      }
    },
  };
}

/** Every dropped message is counted, and told rarely. */
function dropLog({ clock, events, metrics }: Instruments, level: LogLevel): (fields: LogFields) => void {
  const drops = new RareEvent({ clock, events, name: "message_dropped" });
  return (fields) => {
    metrics.messageDropped();
    drops.emit(fields, level);
  };
}

function inboundOf(stage: Stage, parts: LiveLinkParts, dropped: (reason: MultifrostError) => void) {
  const { config, instruments, output } = parts;
  const late = dropLog(instruments, "debug");
  return createInbound({
    codec: config.codec,
    workerName: config.name,
    pending: instruments.pending,
    heartbeatAnswered: (id) => stage.health?.answered(id) ?? false,
    output(stream, line) {
      if (stream === "stderr") {
        stage.worker?.noteStderr(line);
      }
      output(stream, line);
    },
    inspect: (message) => config.notify("message", message),
    dropped,
    unmatched: ({ type, id }) => late({ message: `A ${type} message that nobody waits for.`, requestId: id }),
  });
}
