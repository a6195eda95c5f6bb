// A worker and its parent in one process, for unit tests.

import { checkOptions, invalidOption, objectWith, rule } from "@multifrost/protocol/internal";
import type { ServerTransport } from "@multifrost/transport";
import { type ComposedOptions, createMemoryTransport, ParentWorker } from "multifrost";
import type { ChannelFaults } from "./faults/channel-faults.js";

/** What {@link testWorker} needs of a worker: any `ChildWorker` has it. */
export interface TestableWorker {
  readonly namespace: string;
  start(options: { transport: ServerTransport }): Promise<void>;
  stop(): Promise<void>;
}

/** Options of {@link testWorker}: those of every parent, and faults of the connection. */
export interface TestWorkerOptions extends Omit<ComposedOptions, "transport"> {
  /** What goes wrong with messages in both directions. Default: nothing. */
  faults?: ChannelFaults;
}

const WORKER = objectWith("a worker, such as new MyWorker()", "start", "stop");
const OBJECT = rule("an object", (value) => typeof value === "object" && value !== null && !Array.isArray(value));
const FAULTS = objectWith("a ChannelFaults", "client", "server");

/** A parent whose worker is an object of this process. {@link testWorker} makes one. */
export class TestWorker<T extends TestableWorker> extends ParentWorker<T> {
  /** The worker, to look at what calls have changed. */
  readonly worker: T;

  /** @internal */
  constructor(worker: T, options: ComposedOptions) {
    super(options);
    this.worker = worker;
  }

  /** Stops the parent, then the worker. May be called at any time and more than once; never rejects. */
  override async stop(): Promise<void> {
    await super.stop();
    await this.worker.stop();
  }

  /** The same as {@link stop}. */
  override async close(): Promise<void> {
    await this.stop();
  }

  /** For `await using`: the same as {@link stop}. */
  override async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * Starts a worker in this process and resolves to a parent of it. There is no process, no socket and no file; everything else
 * is as in production: values are encoded and decoded, limits hold, names are looked up, what a method throws arrives as
 * `RemoteCallError`. Calls are answered under the fake timers of vitest and Jest too.
 *
 * ```ts
 * await using worker = await testWorker(new MathWorker());
 * expect(await worker.call.add(1, 2)).toBe(3);
 * ```
 *
 * The worker's output is not forwarded. A worker starts once: make a new one for each test.
 *
 * Rejects with `MultifrostError`: `INVALID_OPTION`, and `ALREADY_STARTED` for a worker that was started before.
 */
export async function testWorker<T extends TestableWorker>(
  worker: T,
  options: TestWorkerOptions = {},
): Promise<TestWorker<T>> {
  if (!WORKER.accepts(worker)) {
    throw invalidOption("worker", WORKER.wanted, worker);
  }
  // The other options are those of the parent, which checks them.
  checkOptions("testWorker()", { options }, { options: OBJECT });
  const { faults, ...parentOptions } = options;
  checkOptions("testWorker()", { faults }, { faults: FAULTS });
  const memory = createMemoryTransport();
  const client = memory.client();
  const parent = new TestWorker(worker, {
    name: worker.constructor.name,
    namespace: worker.namespace,
    ...parentOptions,
    transport: faults === undefined ? client : faults.client(client),
  });
  await worker.start({ transport: faults === undefined ? memory.server : faults.server(memory.server) });
  try {
    await parent.start();
  } catch (error) {
    await parent.stop();
    throw error;
  }
  return parent;
}
