// Opens the connection to a worker that this parent starts: binds a port first, then starts the process with it.

import { MultifrostError } from "@multifrost/protocol/errors";
import { type ClientChannel, type ClientEvents, parseTcpEndpoint, zeromqClient } from "@multifrost/transport";
import { planLaunch } from "../process/launch-plan.js";
import type { OnOutput } from "../process/process-output.js";
import { WorkerProcess } from "../process/worker-process.js";
import type { SpawnMode } from "./types.js";

/**
 * Resolves when the process runs, which is before it has connected. Rejects with `SpawnError` or `ConnectionError`, or
 * with the signal's reason; then nothing is left open.
 */
export async function openSpawned(
  { scriptPath, executable, options }: SpawnMode,
  maxMessageBytes: number,
  events: ClientEvents,
  onOutput: OnOutput,
  signal: AbortSignal,
): Promise<{ channel: ClientChannel; process: WorkerProcess }> {
  const plan = planLaunch(scriptPath, executable, options);
  const channel = await zeromqClient({ bind: { port: 0 }, maxMessageBytes }).open(events);
  try {
    signal.throwIfAborted();
    const process = await WorkerProcess.start(plan, portOf(channel), options.env ?? {}, onOutput);
    return { channel, process };
  } catch (error) {
    await channel.close();
    throw error;
  }
}

function portOf({ endpoint }: ClientChannel): number {
  const address = parseTcpEndpoint(endpoint);
  if (address === undefined) {
    throw new MultifrostError("TRANSPORT_UNAVAILABLE", `A worker needs a port to connect to, not ${endpoint}.`);
  }
  return address.port;
}
