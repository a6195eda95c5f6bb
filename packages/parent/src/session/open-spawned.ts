// Opens the connection to a worker that this parent starts: listens first, then starts the process with the endpoint.

import { MultifrostError } from "@multifrost/protocol/errors";
import {
  ENDPOINT_VARIABLE,
  PORT_VARIABLE,
  SPAWN_VARIABLES,
  TOKEN_VARIABLE,
  WORKER_MODE_VARIABLE,
} from "@multifrost/protocol/internal";
import {
  type ClientChannel,
  type ClientEvents,
  chooseTransport,
  parseTcpEndpoint,
  zeromqClient,
  zmtpClient,
} from "@multifrost/transport";
import { planLaunch } from "../process/launch-plan.js";
import type { OnOutput } from "../process/process-output.js";
import { WorkerProcess } from "../process/worker-process.js";
import type { Admission } from "./admission.js";
import type { SpawnMode } from "./types.js";

/** The connection to a process that runs, and may not have connected yet. */
export interface SpawnedConnection {
  readonly channel: ClientChannel;
  readonly process: WorkerProcess;
  /** Whether the endpoint closes after its one guest: a broken connection is then not restored. */
  readonly hasOneGuest: boolean;
}

/**
 * Resolves when the process runs, which is before it has connected. Rejects with `SpawnError` or `ConnectionError`, or
 * with the signal's reason; then nothing is left open.
 *
 * @param admission Decides about connections. `zeromq` cannot ask it: it does not tell peers apart.
 */
export async function openSpawned(
  { scriptPath, executable, options }: SpawnMode,
  maxMessageBytes: number,
  events: ClientEvents,
  admission: Admission,
  onOutput: OnOutput,
  signal: AbortSignal,
): Promise<SpawnedConnection> {
  const plan = planLaunch(scriptPath, executable, options);
  const hasOneGuest = chooseTransport(options.transport, { ...process.env, ...options.env }) === "zmtp";
  const channel = await (hasOneGuest ? listenPrivately : listen)(maxMessageBytes, events);
  try {
    signal.throwIfAborted();
    const env = { ...options.env, ...spawnEnvironment(channel, admission.token) };
    const worker = await WorkerProcess.start(plan, env, onOutput);
    admission.processStarted(worker.pid);
    return { channel, process: worker, hasOneGuest };
  } catch (error) {
    await channel.close();
    throw error;
  }
}

function listen(maxMessageBytes: number, events: ClientEvents): Promise<ClientChannel> {
  return zeromqClient({ bind: { port: 0 }, maxMessageBytes }).open(events);
}

/** On a private socket for children that know it, and on a port for those that only know that. */
function listenPrivately(maxMessageBytes: number, events: ClientEvents): Promise<ClientChannel> {
  return zmtpClient({ bind: [{ port: 0 }, { private: true }], maxMessageBytes, singleGuest: true }).open(events);
}

/** What the child is given. Variables that this process was given itself are removed. */
function spawnEnvironment(channel: ClientChannel, token: string): Record<string, string | undefined> {
  const endpoints = channel.endpoints ?? [channel.endpoint];
  const port = endpoints.map((endpoint) => parseTcpEndpoint(endpoint)?.port).find((found) => found !== undefined);
  if (port === undefined) {
    throw new MultifrostError("TRANSPORT_UNAVAILABLE", `A worker needs a port to connect to, not ${channel.endpoint}.`);
  }
  const privateEndpoint = endpoints.find((endpoint) => parseTcpEndpoint(endpoint) === undefined);
  return {
    ...Object.fromEntries(SPAWN_VARIABLES.map((name) => [name, undefined])),
    [PORT_VARIABLE]: `${port}`,
    [WORKER_MODE_VARIABLE]: "1",
    ...(privateEndpoint && { [ENDPOINT_VARIABLE]: privateEndpoint, [TOKEN_VARIABLE]: token }),
  };
}
