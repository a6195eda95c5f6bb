// Opens a link to a worker of our own: bind first, start the process with the port, wait until it has connected.
// Next: launch-plan.ts, worker-process.ts, wait-until-ready.ts.

import { type ExitDetails, MultifrostError } from "@multifrost/protocol";
import { withLimit } from "@multifrost/protocol/internal";
import { type ClientChannel, parseTcpEndpoint, zeromqClient } from "@multifrost/transport";
import { type ConnectionSigns, connectionSigns } from "../connection-signs.js";
import type { LinkEvents, OpenLink } from "../link.js";
import type { SpawnOptions } from "../options.js";
import { type Executable, planLaunch } from "./launch-plan.js";
import { terminate } from "./terminate.js";
import { waitUntilReady } from "./wait-until-ready.js";
import { startProcess, type WorkerProcess } from "./worker-process.js";

/**
 * How long a broken connection may stand for a process that is about to end, in milliseconds: its exit says more than
 * the connection does, and comes a moment later. The same the other way round: the connection of a process that has
 * ended breaks a moment later, behind its last answers.
 */
const LOSS_GRACE_MS = 1_000;

/** What to start, and how. */
export interface SpawnPlan {
  readonly scriptPath: string | URL;
  readonly executable: Executable | undefined;
  readonly options: SpawnOptions;
  readonly maxMessageBytes: number;
  readonly timeoutMs: number;
}

/** Makes the opener. It rejects with `SpawnError`; see {@link planLaunch}, {@link startProcess}, {@link waitUntilReady}. */
export function openBySpawn(plan: SpawnPlan): OpenLink {
  return async (link, signal) => {
    const launch = planLaunch(plan.scriptPath, plan.executable, plan.options);
    let worker: WorkerProcess | undefined;
    // A channel that has failed for good cannot be had anew without the process.
    const breaks = breakSigns(link, () => worker && void terminate(worker, false));
    const transport = zeromqClient({ bind: { port: 0 }, maxMessageBytes: plan.maxMessageBytes });
    const channel = await transport.open(breaks.signs.events);
    try {
      signal.throwIfAborted();
      const started = await startProcess(launch, portOf(channel), plan.options.env ?? {}, link.output);
      worker = { ...started, exited: started.exited.then(breaks.afterLastMessages) };
      void worker.exited.then((exit) => {
        breaks.stop();
        link.ended({ kind: "exit", exit });
      });
      link.spawned(worker);
      await waitUntilReady(worker, breaks.signs.connected, plan.timeoutMs, signal);
    } catch (error) {
      if (worker !== undefined) {
        await terminate(worker, false);
      }
      await channel.close();
      throw error;
    }
    return { channel, worker };
  };
}

function portOf(channel: ClientChannel): number {
  const address = parseTcpEndpoint(channel.endpoint);
  if (address === undefined) {
    throw new MultifrostError("TRANSPORT_UNAVAILABLE", `A worker needs a port to connect to, not ${channel.endpoint}.`);
  }
  return address.port;
}

interface BreakSigns {
  readonly signs: ConnectionSigns;
  /** Waits for what the process sent before it ended; gives the exit back. */
  afterLastMessages(exit: ExitDetails): Promise<ExitDetails>;
  stop(): void;
}

/** Tells of a broken connection only if the process does not end with it. */
function breakSigns(link: LinkEvents, failed: () => void): BreakSigns {
  let waiting: NodeJS.Timeout | undefined;
  let interrupted = false;
  let disconnected = (): void => {};
  const interrupt = (): void => {
    clearTimeout(waiting);
    waiting = undefined;
    interrupted = true;
    link.interrupted({ kind: "connection", endpoint: "its socket" });
  };
  const signs = connectionSigns(link, {
    up() {
      if (waiting !== undefined) {
        interrupt();
      }
      if (interrupted) {
        interrupted = false;
        link.resumed();
      }
    },
    down() {
      disconnected();
      waiting ??= setTimeout(interrupt, LOSS_GRACE_MS);
    },
    failed,
  });
  return {
    signs,
    async afterLastMessages(exit) {
      if (signs.isUp) {
        const down = new Promise<void>((resolve) => {
          disconnected = resolve;
        });
        await withLimit(down, LOSS_GRACE_MS, () => {});
      }
      return exit;
    },
    stop: () => clearTimeout(waiting),
  };
}
