// A stand-in for a parent: a client channel and the codec, without @multifrost/parent.

import {
  type CallMessage,
  type CallParts,
  createCall,
  createCodec,
  createHeartbeat,
  createShutdown,
  type Message,
} from "@multifrost/protocol";
import { type ClientTransport, parseTcpEndpoint } from "@multifrost/transport";
import { onTestFinished } from "vitest";
import { until } from "./until.js";

/** A parent that does only what the test asks. */
export interface StandInParent {
  /** Every message, in order. */
  readonly received: readonly Message[];
  /** The port it listens on, or 0. */
  readonly port: number;
  send(message: Message): void;
  sendBytes(bytes: Uint8Array): void;
  /** Sends a call and does not wait. */
  fire(name: string, args?: readonly unknown[], parts?: Partial<CallParts>): CallMessage;
  /** Sends a call and waits for its answer. */
  call(name: string, args?: readonly unknown[], parts?: Partial<CallParts>): Promise<Message>;
  /** Waits for the answer to the message with this id. */
  answer(id: string, timeout?: number): Promise<Message>;
  /** Forgets what was received so far. */
  forget(): void;
  /** Sends a heartbeat and waits for its answer. Everything sent before has then arrived. */
  heartbeat(): Promise<Message>;
  shutdown(): void;
  /** The output so far, in order. */
  lines(stream: "stdout" | "stderr"): string[];
  close(): Promise<void>;
}

/** Opens one; closed with the test. */
export async function openParent(transport: ClientTransport): Promise<StandInParent> {
  const codec = createCodec();
  const received: Message[] = [];
  const channel = await transport.open({
    message: (bytes) => void received.push(codec.decode(bytes)),
    up() {},
    down() {},
    dropped() {},
    failed() {},
  });
  onTestFinished(() => channel.close());
  const send = (message: Message): void => channel.send(codec.encode(message));
  const answer = async (id: string, timeout?: number): Promise<Message> => {
    await until(() => received.some((message) => message.id === id), timeout);
    return received.find((message) => message.id === id) as Message;
  };
  const fire: StandInParent["fire"] = (name, args = [], parts = {}) => {
    const call = createCall({ function: name, args, ...parts });
    send(call);
    return call;
  };
  return {
    received,
    port: parseTcpEndpoint(channel.endpoint)?.port ?? 0,
    send,
    sendBytes: (bytes) => channel.send(bytes),
    fire,
    call: (name, args, parts) => answer(fire(name, args, parts).id),
    answer,
    forget: () => void received.splice(0),
    async heartbeat() {
      const heartbeat = createHeartbeat();
      send(heartbeat);
      return answer(heartbeat.id);
    },
    shutdown: () => send(createShutdown()),
    lines: (stream) => received.flatMap((message) => (message.type === stream ? [message.output] : [])),
    close: () => channel.close(),
  };
}
