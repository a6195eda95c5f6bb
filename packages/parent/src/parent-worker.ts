import { EventEmitter } from "node:events";
import { basename } from "node:path";
import { createCodec, type InterfaceDescription } from "@multifrost/protocol";
import { MultifrostError } from "@multifrost/protocol/errors";
import { invalidOption, NAME, registryUnloadable, withOutcome } from "@multifrost/protocol/internal";
import type { ServiceRegistry } from "@multifrost/registry";
import type { CircuitState, MetricsSnapshot } from "@multifrost/reliability";
import { chooseTransport } from "@multifrost/transport";
import { createCallProxy } from "./calls/call-proxy.js";
import { describeWorker, listFunctions } from "./calls/introspection.js";
import type { AnyWorker, CallProxy, RemoteMethods } from "./calls/remote-methods.js";
import type { ParentEvents, ParentState } from "./events.js";
import { Lifecycle } from "./lifecycle/lifecycle.js";
import { checkCallOptions, checkParentOptions, EXECUTABLE } from "./option-rules.js";
import {
  type CallOptions,
  type ComposedOptions,
  type ConnectOptions,
  type ParentOptions,
  resolveOptions,
  type SpawnOptions,
} from "./options.js";
import { checkScript, type Executable } from "./process/launch-plan.js";
import type { ConnectMode } from "./session/types.js";

/** How long a service is looked for, and may take to become reachable, in milliseconds. */
const SERVICE_TIMEOUT_MS = 5_000;

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
  /** The worker's methods as async functions. {@link callFunction} lists the errors a call rejects with. */
  readonly call: CallProxy<T>;
  /** The worker's name in messages and logs. */
  readonly name: string;
  readonly #lifecycle: Lifecycle;

  /**
   * A parent over a transport that you bring. To start a worker use {@link spawn}, to find a service {@link connect}.
   *
   * Throws `MultifrostError` `INVALID_OPTION`.
   */
  constructor(options: ComposedOptions);
  /** @internal */
  constructor(options: ParentOptions, mode: ConnectMode);
  constructor(options: ParentOptions | ComposedOptions, mode: ConnectMode = composedMode(options)) {
    checkParentOptions(mode.kind, options);
    super();
    this.name = options.name ?? mode.name;
    if (mode.kind !== "composed") {
      // Used for each session; here a wrong name is refused at once.
      chooseTransport(mode.kind === "spawned" ? mode.options.transport : mode.transport, process.env);
    }
    const codec = createCodec({ app: options.app, limits: options.limits });
    const resolved = resolveOptions(options, mode.kind === "service" ? SERVICE_TIMEOUT_MS : undefined);
    this.#lifecycle = new Lifecycle(this.name, mode, codec, resolved, this);
    this.call = createCallProxy<T>(this.#lifecycle.calls, this.name);
  }

  /**
   * A private worker: `start()` runs the script in a new process. Nothing runs before.
   *
   * ```ts
   * await using worker = ParentWorker.spawn<Model>("./model.py", ["python3.12", "-X", "dev"], { autoRestart: true });
   * await worker.start();
   * ```
   *
   * @param scriptPath A path, relative to the working directory, or a file URL.
   * @param executable The program that runs it, or an array of a program and its leading arguments. Default, by the
   *   script's extension: this Node for JavaScript; for TypeScript tsx where this process runs under it or the script's
   *   project has it, else this Node where it strips types; for Python the interpreter of `VIRTUAL_ENV`, else of a
   *   `.venv` next to the script, else `python3`; `go run`; anything else runs itself.
   *
   * Throws `MultifrostError` `INVALID_OPTION`.
   */
  static spawn<T = AnyWorker>(
    scriptPath: string | URL,
    executable?: Executable | SpawnOptions,
    options?: SpawnOptions,
  ): ParentWorker<T> {
    if (isOptions(executable)) {
      return ParentWorker.#spawn<T>(scriptPath, undefined, executable);
    }
    if (executable !== undefined && !EXECUTABLE.accepts(executable)) {
      throw invalidOption("executable", EXECUTABLE.wanted, executable);
    }
    return ParentWorker.#spawn<T>(scriptPath, executable, options === undefined ? {} : options);
  }

  static #spawn<T>(
    scriptPath: string | URL,
    executable: Executable | undefined,
    options: SpawnOptions,
  ): ParentWorker<T> {
    checkScript(scriptPath, executable);
    const name = basename(scriptPath instanceof URL ? scriptPath.pathname : scriptPath);
    return new ParentWorker<T>(options, { kind: "spawned", name, scriptPath, executable, options });
  }

  /**
   * A running service, found by its id. Resolves when it is found; `start()` connects to it. Any number of parents may
   * connect to one service.
   *
   * Rejects with `RegistryError` `SERVICE_NOT_FOUND` or `REGISTRY_UNAVAILABLE`, `MultifrostError` `INVALID_OPTION`.
   *
   * @param timeoutOrOptions How long to look, in milliseconds, or options. Default: 5000.
   */
  static async connect<T = AnyWorker>(
    serviceId: string,
    timeoutOrOptions: number | ConnectOptions = {},
  ): Promise<ParentWorker<T>> {
    const options: ConnectOptions =
      typeof timeoutOrOptions === "object" ? timeoutOrOptions : { timeout: timeoutOrOptions };
    checkParentOptions("service", options);
    if (!NAME.accepts(serviceId)) {
      throw invalidOption("serviceId", NAME.wanted, serviceId);
    }
    const { registry = await fileRegistry(), timeout: timeoutMs = SERVICE_TIMEOUT_MS, host, transport } = options;
    const mode = { kind: "service", name: serviceId, serviceId, registry, host, transport } as const;
    const worker = new ParentWorker<T>(options, mode);
    await registry.discover(serviceId, { timeoutMs });
    return worker;
  }

  /**
   * Makes the worker reachable: resolves when it is connected and, with heartbeats on, has answered one.
   *
   * Rejects with `SpawnError` (`PROGRAM_NOT_FOUND`, `SCRIPT_NOT_FOUND`, `NO_TYPESCRIPT_RUNNER`, `EXITED_EARLY`,
   * `START_TIMEOUT`, `SPAWN_FAILED`), `RegistryError`, `ConnectionError` (`UNREACHABLE`, `CONNECTION_LOST`),
   * `NotRunningError` when `stop()` is called meanwhile, and `MultifrostError` `ALREADY_STARTED`. After a failed start
   * it may be called again.
   */
  async start(): Promise<void> {
    await this.#lifecycle.start();
  }

  /**
   * Stops the worker: takes no new calls, gives calls in flight `stopTimeout` to finish, then ends a spawned process
   * (shutdown message, SIGTERM, SIGKILL). A service goes on for its other parents. May be called at any time and more
   * than once; never rejects. Afterwards nothing of this worker keeps the process alive.
   */
  async stop(): Promise<void> {
    await this.#lifecycle.stop();
  }

  /** The same as {@link stop}. */
  async close(): Promise<void> {
    await this.#lifecycle.stop();
  }

  /** For `await using`: the same as {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lifecycle.stop();
  }

  /**
   * Ends the process and starts a new one, or reconnects to the service. Calls in flight get `stopTimeout` to finish;
   * calls made meanwhile wait. Rejects as {@link start} does, and with `NotRunningError` unless the worker is running,
   * has exited or failed.
   */
  async restart(): Promise<void> {
    await this.#lifecycle.restart();
  }

  /**
   * Replaces the worker without a gap, for new code or after a leak: starts a second process, and when that has answered, calls
   * go to it. The process before gets `stopTimeout` to finish its calls, then it ends, and this resolves. Both run for a while and
   * take memory together. If the second cannot be started, the first stays as it is.
   *
   * A service is looked up again and connected to a second time; its process is not restarted. Use it when the service has moved.
   *
   * May be called at any time. While one reload is in progress, others wait for it, and share the next. If the worker ends
   * meanwhile, calls wait for the second process.
   *
   * Rejects as {@link start} does, with `NotRunningError` unless the worker is running, and when `stop()` or `restart()` is called
   * meanwhile.
   */
  async reload(): Promise<void> {
    await this.#lifecycle.reload();
  }

  /**
   * Calls a method by name. Use it for names that are not in the types, or that {@link call} cannot reach, such as
   * `withOptions`.
   *
   * Rejects with `RemoteCallError` (what the method threw, or why the worker refused), `WorkerExitedError`,
   * `TimeoutError`, `AbortError`, `CircuitOpenError`, `ConnectionError`, `SerializationError` (nothing was sent),
   * `OverloadError`, `NotRunningError`, `MultifrostError` `INVALID_OPTION`. It settles once.
   *
   * @param timeoutOrOptions How long it may take, in milliseconds, or options. Default: `defaultTimeout`.
   */
  async callFunction<R = unknown>(
    functionName: string,
    args: readonly unknown[] = [],
    timeoutOrOptions?: number | CallOptions,
    namespace?: string,
    clientName?: string,
  ): Promise<R> {
    const given = typeof timeoutOrOptions === "number" ? { timeout: timeoutOrOptions } : (timeoutOrOptions ?? {});
    checkCall(functionName, args, given);
    const options = {
      ...given,
      ...(namespace !== undefined && { namespace }),
      ...(clientName !== undefined && { clientName }),
    };
    return (await this.#lifecycle.calls.call(functionName, args, options)) as R;
  }

  /** The worker's methods, called with these options. Does not change {@link call} or other chains. */
  withOptions(options: CallOptions): RemoteMethods<T> {
    return this.call.withOptions(options);
  }

  /** The names that can be called, for workers in any language. Rejects as {@link callFunction} does. */
  async listFunctions(options: CallOptions = {}): Promise<string[]> {
    return await listFunctions(this.#lifecycle.calls, options);
  }

  /**
   * Describes the worker's methods: names, and as far as its language knows them parameters, types and documentation.
   * `interfaceDeclaration` makes TypeScript of it. Rejects as {@link callFunction} does.
   */
  async describe(options: CallOptions = {}): Promise<InterfaceDescription> {
    return await describeWorker(this.#lifecycle.calls, options);
  }

  /** The current state; see {@link ParentState}. */
  get state(): ParentState {
    return this.#lifecycle.current.state;
  }

  /** Whether the worker is running, the circuit is closed, and heartbeats are answered. */
  get isHealthy(): boolean {
    const { current, telemetry } = this.#lifecycle;
    return current.state === "running" && telemetry.breaker.state === "closed";
  }

  /** Whether calls are refused because of repeated failures. */
  get circuitOpen(): boolean {
    return this.circuitState === "open";
  }

  /** The circuit breaker's state: `closed`, `open` or `half-open`. */
  get circuitState(): CircuitState {
    return this.#lifecycle.telemetry.breaker.state;
  }

  /** Closes the circuit, and those of its methods, now. Use it when you know that the worker is well again. */
  resetCircuit(): void {
    this.#lifecycle.telemetry.closeCircuits("reset by the user");
  }

  /** The latest heartbeat's round trip, in milliseconds; `undefined` before the first. */
  get lastHeartbeatRttMs(): number | undefined {
    return this.#lifecycle.current.session?.lastRttMs;
  }

  /** The process id of a spawned worker, while it can be reached. */
  get pid(): number | undefined {
    return this.#lifecycle.current.session?.pid;
  }

  /** Counters and latencies at this moment. */
  get metrics(): MetricsSnapshot {
    return this.#lifecycle.telemetry.metrics.snapshot();
  }

  /** The same as {@link metrics}. */
  getMetrics(): MetricsSnapshot {
    return this.metrics;
  }
}

function checkCall(functionName: string, args: readonly unknown[], options: CallOptions): void {
  try {
    if (!NAME.accepts(functionName)) {
      throw invalidOption("functionName", NAME.wanted, functionName);
    }
    if (!Array.isArray(args)) {
      throw invalidOption("args", "an array of the arguments", args);
    }
    checkCallOptions(options);
  } catch (error) {
    throw withOutcome(error, "not-sent");
  }
}

function isOptions(value: Executable | SpawnOptions | undefined): value is SpawnOptions {
  return typeof value === "object" && !Array.isArray(value);
}

function composedMode(options: ParentOptions | ComposedOptions): ConnectMode {
  if (typeof options !== "object" || options === null || !("transport" in options)) {
    throw new MultifrostError(
      "INVALID_OPTION",
      "new ParentWorker() needs the option transport, a ClientTransport. " +
        "To start a worker use ParentWorker.spawn(), to find one ParentWorker.connect().",
    );
  }
  return { kind: "composed", name: "worker", transport: options.transport };
}

/** Loaded only here: a parent that spawns its workers needs no registry. */
async function fileRegistry(): Promise<ServiceRegistry> {
  const { createFileRegistry } = await import("@multifrost/registry").catch((cause) => {
    throw registryUnloadable(cause);
  });
  return createFileRegistry();
}
