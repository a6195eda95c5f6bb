import {
  type CallMessage,
  type Codec,
  createCodec,
  createError,
  createResponse,
  type Message,
} from "@multifrost/protocol";
import { createMemoryTransport, type MemoryTransport, type Peer, type ServerChannel } from "@multifrost/transport";
import { onTestFinished } from "vitest";
import { type ComposedOptions, ParentWorker } from "../../src/index.js";
import { answerHeartbeat } from "./heartbeats.js";

/** The answering end of a memory transport, played by the test. */
export interface Scripted {
  readonly memory: MemoryTransport;
  readonly codec: Codec;
  /** Every message that came. */
  readonly received: Message[];
  /** The calls that came. */
  readonly calls: CallMessage[];
  /** What to do with a message; heartbeats are answered unless `answersHeartbeats` is off. */
  onCall: (call: CallMessage) => void;
  answersHeartbeats: boolean;
  /** What it announces with heartbeat answers. */
  features: readonly string[] | undefined;
  /** Sends a message, or bytes as they are, to the parent. */
  send(message: Message | Uint8Array): void;
  /** Answers the call with a value. */
  answer(call: CallMessage, value: unknown): void;
  /** Answers the call with the error that its method threw. */
  fail(call: CallMessage, message: string): void;
  readonly channel: ServerChannel;
}

/** Opens a scripted worker; it hangs every call until `onCall` says otherwise. */
export async function scriptedWorker(
  memory: MemoryTransport = createMemoryTransport(),
  codec: Codec = createCodec(),
): Promise<Scripted> {
  let peer: Peer | undefined;
  const channel = await memory.server.open({
    message(from, bytes) {
      peer = from;
      hear(scripted, codec.decode(bytes));
    },
    up() {},
    down() {},
    dropped() {},
    failed() {},
    peerGone() {},
  });
  const scripted: Scripted = {
    memory,
    codec,
    received: [],
    calls: [],
    onCall() {},
    answersHeartbeats: true,
    features: undefined,
    send: (message) => channel.send(peer as Peer, message instanceof Uint8Array ? message : codec.encode(message)),
    answer: (call, value) => scripted.send(createResponse(call.id, value)),
    fail: (call, message) => scripted.send(createError(call.id, { name: "Error", message })),
    channel,
  };
  onTestFinished(() => channel.close());
  return scripted;
}

function hear(scripted: Scripted, message: Message): void {
  scripted.received.push(message);
  if (message.type === "heartbeat" && scripted.answersHeartbeats) {
    scripted.send(answerHeartbeat(message, scripted.features));
  } else if (message.type === "call") {
    scripted.calls.push(message);
    scripted.onCall(message);
  }
}

/** A parent over a memory transport with a scripted worker at the other end, started; stopped after the test. */
export async function composed<T = Record<string, (...args: unknown[]) => unknown>>(
  options: Omit<ComposedOptions, "transport"> = {},
): Promise<{ parent: ParentWorker<T>; worker: Scripted }> {
  const worker = await scriptedWorker();
  const parent = composedParent<T>(worker.memory, options);
  await parent.start();
  return { parent, worker };
}

/** The parent alone, not started. A short `stopTimeout`, as scripted workers leave calls hanging. */
export function composedParent<T>(
  memory: MemoryTransport,
  options: Omit<ComposedOptions, "transport"> = {},
): ParentWorker<T> {
  const parent = new ParentWorker<T>({ transport: memory.client(), logger: false, stopTimeout: 20, ...options });
  onTestFinished(() => parent.stop());
  return parent;
}
