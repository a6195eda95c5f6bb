// Never run: it compiles against the installed packages, or it does not. Every subpath of every package is named here.

import * as child from "@multifrost/child";
import * as parent from "@multifrost/parent";
import { type Codec, createCodec, type InterfaceDescription, type Message } from "@multifrost/protocol";
import { MultifrostError as ProtocolError } from "@multifrost/protocol/errors";
import { interfaceDeclaration } from "@multifrost/protocol/interface";
import { createFileRegistry, type ServiceEntry } from "@multifrost/registry";
import { CircuitBreaker, type MetricsSnapshot, systemClock } from "@multifrost/reliability";
import { type ContractSetup, channelContract, createFakeClock, testWorker } from "@multifrost/testing";
import type { ClientTransport } from "@multifrost/transport";
import { createMemoryTransport } from "@multifrost/transport/memory";
import { zeromqClient } from "@multifrost/transport/zeromq";
import { zmtpClient } from "@multifrost/transport/zmtp";
import { type CallOptions, ParentWorker, RemoteCallError, type SpawnOptions } from "multifrost";
import { ChildWorker } from "multifrost/child";
import type { MultifrostError } from "multifrost/errors";
import { ParentWorker as SameParentWorker } from "multifrost/parent";

class MathWorker extends ChildWorker {
  add(a: number, b: number): number {
    return a + b;
  }

  async greet(name: string, loud?: boolean): Promise<string> {
    return loud === true ? name.toUpperCase() : name;
  }

  _helper(): void {}
}

/** A worker in another language, described by hand. */
interface PythonWorker {
  predict(rows: readonly number[][]): number[];
}

const options: SpawnOptions = { defaultTimeout: 1000, env: { LOG: "1" }, interfaceHash: "made from the worker" };
const callOptions: CallOptions = { timeout: 10, signal: new AbortController().signal };
const worker: ParentWorker<MathWorker> = ParentWorker.spawn<MathWorker>("./worker.js", options);
const python = ParentWorker.spawn<PythonWorker>("./worker.py", ["python3", "-u"]);

export const sum: Promise<number> = worker.call.add(1, 2);
export const greeting: Promise<string> = worker.call.withOptions(callOptions).greet("you", true);
export const predicted: Promise<number[]> = python.call.predict([[1, 2]]);
export const untyped: Promise<unknown> = ParentWorker.spawn("./any.js").call.anything?.(1) ?? Promise.resolve();
export const described: Promise<InterfaceDescription> = python.describe();
export const declared: Promise<string> = described.then((told) => interfaceDeclaration(told, { name: "Python" }));
export const metrics: MetricsSnapshot = worker.metrics;
export const same: typeof ParentWorker = SameParentWorker;
export const error: MultifrostError = new ProtocolError("INVALID_OPTION", "the same class by two ways");
export const isRemote: boolean = error instanceof RemoteCallError;

// @ts-expect-error: the arguments have the method's types
worker.call.add("1", 2);
// @ts-expect-error: all of them are needed
worker.call.add(1);
// @ts-expect-error: there is no such method
worker.call.subtract(1, 2);
// @ts-expect-error: what the base class has is not callable
worker.call.run();
// @ts-expect-error: what starts with _ is not callable
worker.call._helper();
// @ts-expect-error: a result is a promise
export const notSum: number = worker.call.add(1, 2);
// @ts-expect-error: there is no such option
export const unknownOption: SpawnOptions = { retries: 3 };

const codec: Codec = createCodec();
export const messages: Message[] = [codec.decode(codec.encode({ type: "ready", id: "1", timestamp: 0 }))];
export const entries: Promise<readonly ServiceEntry[]> | undefined = undefined;
export const registry: { unregister: unknown } = createFileRegistry();
export const breaker: { state: string } = new CircuitBreaker({ clock: systemClock() });
export const fakeNow: number = createFakeClock().now();
export const tested: Promise<number> = testWorker(new MathWorker()).then(({ call }) => call.add(1, 2));
const transport: ClientTransport = zeromqClient({ connect: { port: 4000 } });
export const portable: ClientTransport = zmtpClient({ connect: { path: "/run/worker.sock" } });
const memory = createMemoryTransport();
export const composed: ParentWorker = new parent.ParentWorker({ transport });
export const composedChild: ChildWorker = new (class extends child.ChildWorker {})({ transport: memory.server });
const setup: ContractSetup = { createPair: () => ({ server: () => memory.server, client: () => memory.client() }) };
export const cases: readonly { name: string }[] = channelContract(setup);
