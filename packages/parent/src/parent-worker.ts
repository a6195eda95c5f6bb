// The class that callers use. It holds no logic of its own: a call goes to call/call-proxy.ts, the rest to
// worker-life.ts.

import { EventEmitter } from "node:events";
import { createCodec, type InterfaceDescription } from "@multifrost/protocol";
import { createFileRegistry } from "@multifrost/registry";
import type { CircuitState, MetricsSnapshot } from "@multifrost/reliability";
import type { CallOptions } from "./call/call-options.js";
import {
  type AnyWorker,
  type CallProxy,
  createCallProxy,
  createMethods,
  type RemoteMethods,
} from "./call/call-proxy.js";
import { listFunctions } from "./call/list-functions.js";
import { emitSafely, type ParentEvents } from "./events.js";
import {
  type ComposedOptions,
  type ConnectOptions,
  type ParentOptions,
  resolveOptions,
  type SpawnOptions,
} from "./options.js";
import type { Executable } from "./spawn/launch-plan.js";
import type { ParentState } from "./state.js";
import { composedWay, SERVICE_TIMEOUT_MS, serviceWay, spawnedWay, type Way } from "./ways.js";
import { createWorkerLife, type WorkerLife } from "./worker-life.js";

/**
 * Calls the methods of a worker in another process as local async functions.
 *
 * `T` is the worker's class or an interface of its methods; `worker.call` is typed from it. Left out, any method can be
 * called and results are `unknown`.
 *
 * ```ts
 * await using worker = ParentWorker.spawn<MathWorker>("./math-worker.ts");
 * await worker.start();
 * const sum = await worker.call.add(1, 2);
 * ```
 */
export class ParentWorker<T = AnyWorker> extends EventEmitter<ParentEvents> {
  /** The worker's methods as async functions. See {@link callFunction} for how a call can fail. */
  readonly call: CallProxy<T>;
  /** What the worker is called in messages and logs. */
  readonly name: string;
  readonly #life: WorkerLife;

  /**
   * A parent over a transport of your own. For the usual ways see {@link spawn} and {@link connect}.
   *
   * Throws `MultifrostError` `INVALID_OPTION`.
   */
  constructor(options: ComposedOptions);
  /** @internal */
  constructor(options: ParentOptions, way: Way);
  constructor(options: ParentOptions | ComposedOptions, way: Way = composedWay(options as ComposedOptions)) {
    super();
    const resolved = resolveOptions(options, way.startTimeoutMs);
    const codec = createCodec({ app: options.app, limits: options.limits });
    this.name = options.name ?? way.name;
    this.#life = createWorkerLife({
      ...way,
      name: this.name,
      codec,
      open: way.open(codec.limits.maxMessageBytes, resolved.startTimeoutMs),
      given: options,
      options: resolved,
      notify: emitSafely((event, ...args) => this.emit(event, ...(args as never))),
    });
    this.call = createCallProxy<T>(this.#life.call);
  }

  /**
   * A worker of your own: `start()` runs the script in a new process. Nothing runs before that.
   *
   * @param scriptPath A path, from the working directory, or a file URL.
   * @param executable What runs it: a program, or one with leading arguments. Left out, the script's extension says:
   *   this Node for JavaScript; for TypeScript this Node where it strips types, else tsx; `python3`; `go run`; anything
   *   else is run itself.
   * Throws `MultifrostError` `INVALID_OPTION`.
   */
  static spawn<T = AnyWorker>(
    scriptPath: string | URL,
    executable?: Executable | SpawnOptions,
    options: SpawnOptions = {},
  ): ParentWorker<T> {
    if (isOptions(executable)) {
      return new ParentWorker<T>(executable, spawnedWay(scriptPath, undefined, executable));
    }
    return new ParentWorker<T>(options, spawnedWay(scriptPath, executable, options));
  }

  /**
   * A service that is running, found by its name. Resolves when it is found; `start()` connects to it.
   *
   * @param timeoutOrOptions How long to look, in milliseconds, or options. Default: 5000.
   * Rejects with `RegistryError` `SERVICE_NOT_FOUND` or `REGISTRY_UNAVAILABLE`, `MultifrostError` `INVALID_OPTION`.
   */
  static async connect<T = AnyWorker>(
    serviceId: string,
    timeoutOrOptions: number | ConnectOptions = {},
  ): Promise<ParentWorker<T>> {
    const options: ConnectOptions =
      typeof timeoutOrOptions === "number" ? { timeout: timeoutOrOptions } : timeoutOrOptions;
    const { registry = createFileRegistry(), timeout: timeoutMs = SERVICE_TIMEOUT_MS } = options;
    const worker = new ParentWorker<T>(options, serviceWay(serviceId, registry, options));
    await registry.discover(serviceId, { timeoutMs });
    return worker;
  }

  /**
   * Makes the worker reachable: resolves when it is connected and has answered a heartbeat.
   *
   * Rejects with `SpawnError` (`PROGRAM_NOT_FOUND`, `SCRIPT_NOT_FOUND`, `NO_TYPESCRIPT_RUNNER`, `EXITED_EARLY`,
   * `START_TIMEOUT`, `SPAWN_FAILED`), `RegistryError`, `ConnectionError` (`UNREACHABLE`), and `MultifrostError`
   * `ALREADY_STARTED`. After a failed start it may be called again.
   */
  async start(): Promise<void> {
    await this.#life.start();
  }

  /**
   * Ends it: no new calls, those in flight get `stopTimeout` to finish, a process of our own is asked to end, then told
   * by SIGTERM, then killed. A service goes on for its other parents. May be called at any moment and more than once;
   * never rejects. Afterwards nothing of this worker keeps the process alive.
   */
  async stop(): Promise<void> {
    await this.#life.stop();
  }

  /** The same as {@link stop}. */
  async close(): Promise<void> {
    await this.#life.stop();
  }

  /** For `await using`: the same as {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.stop();
  }

  /**
   * Ends the process and starts a new one, or connects to the service anew. Calls in flight get `stopTimeout` to finish;
   * calls made meanwhile wait. Rejects as {@link start} does, and with `NotRunningError` unless it runs or has exited.
   */
  async restart(): Promise<void> {
    await this.#life.restart();
  }

  /**
   * Calls a method by name.
   *
   * Rejects with `RemoteCallError` (what the method threw, or why the worker refused), `WorkerExitedError`,
   * `TimeoutError`, `AbortError`, `CircuitOpenError`, `ConnectionError`, `SerializationError` (nothing sent),
   * `OverloadError`, `NotRunningError`, `MultifrostError` `INVALID_OPTION`. It settles once.
   *
   * @param timeoutOrOptions How long it may take, in milliseconds, or options. Default: the worker's `defaultTimeout`.
   */
  async callFunction<R = unknown>(
    functionName: string,
    args: readonly unknown[] = [],
    timeoutOrOptions?: number | CallOptions,
    namespace?: string,
    clientName?: string,
  ): Promise<R> {
    const options: CallOptions = {
      ...(typeof timeoutOrOptions === "number" ? { timeout: timeoutOrOptions } : timeoutOrOptions),
      ...(namespace === undefined ? {} : { namespace }),
      ...(clientName === undefined ? {} : { clientName }),
    };
    return (await this.#life.call(functionName, args, options)) as R;
  }

  /** The worker's methods, each call with these options. Nothing is shared with other chains. */
  withOptions(options: CallOptions): RemoteMethods<T> {
    return createMethods<T>(this.#life.call, options);
  }

  /** The names that can be called, whatever language the worker is written in. Rejects as {@link callFunction} does. */
  async listFunctions(options?: CallOptions): Promise<string[]> {
    return await listFunctions((name) => this.callFunction<string[]>(name, [], options));
  }

  /**
   * What the worker tells of its methods: their names, and as far as its language knows them their parameters, types
   * and documentation. Of an older worker the names alone. `interfaceDeclaration` makes TypeScript of it.
   *
   * Rejects as {@link callFunction} does.
   */
  async describe(options: CallOptions = {}): Promise<InterfaceDescription> {
    return await this.#life.describe(options);
  }

  /** Where it is in its life. */
  get state(): ParentState {
    return this.#life.state;
  }

  /** Whether calls go out and heartbeats come back: it is running, the circuit is closed, and the worker is not lost. */
  get isHealthy(): boolean {
    const { state, breaker, live } = this.#life;
    return state === "running" && breaker.state === "closed" && live?.health.lost !== true;
  }

  /** Whether calls are refused because of repeated failures. */
  get circuitOpen(): boolean {
    return this.#life.breaker.state === "open";
  }

  get circuitState(): CircuitState {
    return this.#life.breaker.state;
  }

  /** Closes the circuit at once, for whoever knows that the worker is well again. */
  resetCircuit(): void {
    this.#life.breaker.close("reset by the user");
  }

  /** The latest heartbeat's round trip, in milliseconds; `undefined` before the first. */
  get lastHeartbeatRttMs(): number | undefined {
    return this.#life.live?.health.lastRttMs;
  }

  /** The process id of a worker of our own, while it can be reached. */
  get pid(): number | undefined {
    return this.#life.live?.link.worker?.pid;
  }

  /** Counters and latencies at this moment. */
  get metrics(): MetricsSnapshot {
    return this.#life.metrics.snapshot();
  }

  /** The same as {@link metrics}. */
  getMetrics(): MetricsSnapshot {
    return this.metrics;
  }
}

function isOptions(value: Executable | SpawnOptions | undefined): value is SpawnOptions {
  return typeof value === "object" && !Array.isArray(value);
}
