// The class that users extend: its public methods can be called from other processes, nothing else can.
// Next: start-mode.ts, then child-life.ts.

import { MultifrostError } from "@multifrost/protocol";
import { createMethodTable, publicMethods } from "./call/method-table.js";
import { type ChildLife, startLife } from "./child-life.js";
import { type ChildOptions, type ResolvedChildOptions, resolveChildOptions } from "./options.js";
import { exitWith, onEndSignals } from "./run-signals.js";
import { startMode } from "./start-mode.js";
import type { ChildState } from "./state.js";

/**
 * Extend it, give it methods, and `run()` it. A parent calls those methods; they may be `async`.
 *
 * ```ts
 * class MathWorker extends ChildWorker {
 *   add(a: number, b: number) { return a + b; }
 * }
 * new MathWorker().run();
 * ```
 *
 * Names that start with `_`, fields, accessors and what this class itself has cannot be called.
 */
export abstract class ChildWorker {
  /** Which calls are meant for this child. A subclass may set it as a field. Default: `default`. */
  readonly namespace: string;
  readonly #options: ResolvedChildOptions;
  #state: ChildState = "idle";
  #life: ChildLife | undefined;
  #starting: Promise<ChildLife> | undefined;
  #stopping: Promise<void> | undefined;
  /** Whether `run()` was called: then the end of the worker is the end of the process. */
  #ownsProcess = false;

  /**
   * @param options The service id to be found by, or more options; nothing for a worker that a parent spawns.
   * Throws `MultifrostError` `INVALID_OPTION`.
   */
  constructor(options?: string | ChildOptions) {
    this.#options = resolveChildOptions(options);
    this.namespace = this.#options.namespace;
  }

  /** The name this worker is found by, if it is a service. */
  get serviceId(): string | undefined {
    return this.#options.serviceId;
  }

  /**
   * Where this worker is reached, such as `tcp://127.0.0.1:40123`, once it has started: of use to whoever brings a
   * transport of their own, as a service is found by its name.
   */
  get endpoint(): string | undefined {
    return this.#life?.endpoint;
  }

  /**
   * How many messages were left out so far: what came and was no message for this worker, and answers that could not be
   * sent. Each is a `message_dropped` event too, of which at most one a second is told.
   */
  get droppedMessages(): number {
    return this.#life?.droppedMessages ?? 0;
  }

  /**
   * Starts, and takes over the process: SIGINT, SIGTERM and the parent's shutdown end it in order with exit code 0 (a
   * second signal at once), an error at the start with one line on stderr and exit code 1.
   *
   * Resolves when the worker can be reached. Never rejects.
   */
  async run(): Promise<void> {
    this.#ownsProcess = true;
    onEndSignals(() => void this.#end(0));
    try {
      await this.start();
    } catch (error) {
      exitWith(error);
    }
  }

  /**
   * Makes the worker reachable; the process stays yours.
   *
   * Rejects with `MultifrostError`: `ALREADY_STARTED`, `NO_START_MODE`, `INVALID_PORT`; with `RegistryError`:
   * `SERVICE_EXISTS`, `LOCK_TIMEOUT`, `REGISTRY_UNAVAILABLE`; with `ConnectionError`.
   */
  async start(): Promise<void> {
    if (this.#state !== "idle") {
      throw new MultifrostError(
        "ALREADY_STARTED",
        `start() was called on a worker that is ${this.#state}. A worker starts once; make a new one to start again.`,
      );
    }
    this.#state = "starting";
    const options = { ...this.#options, namespace: this.namespace };
    try {
      const mode = startMode(options, process.env);
      const methods = createMethodTable(this, ChildWorker.prototype, () => this.listFunctions());
      this.#starting = startLife({
        options,
        mode,
        methods,
        onShutdown: () => void this.#end(0),
        onFailed: () => void this.#end(1),
        // Nobody is left to answer, so nothing is waited for.
        onOrphaned: exitWith,
      });
      this.#life = await this.#starting;
    } catch (error) {
      this.#state = "stopped";
      throw error;
    }
    // `stop()` may have been asked for meanwhile.
    if (this.#state === "starting") {
      this.#state = "running";
    }
  }

  /**
   * Takes no more calls, lets those in flight finish for up to `stopTimeout`, takes the service out of the registry and
   * closes. May be called at any moment and more than once; never rejects.
   */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop(this.#options.stopTimeout);
    await this.#stopping;
  }

  /** The names that can be called. Override it to offer fewer. */
  listFunctions(): string[] {
    return publicMethods(this, ChildWorker.prototype);
  }

  async #stop(drainMs: number): Promise<void> {
    const wasIdle = this.#state === "idle" || this.#state === "stopped";
    this.#state = wasIdle ? "stopped" : "stopping";
    const life = this.#life ?? (await this.#starting?.catch(() => undefined));
    await life?.end(drainMs);
    this.#state = "stopped";
  }

  async #end(exitCode: number): Promise<void> {
    await this.stop();
    if (this.#ownsProcess) {
      process.exit(exitCode);
    }
  }
}
