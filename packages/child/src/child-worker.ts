import { MethodTable, publicMethods } from "./calls/method-table.js";
import { isCalledByImport, warnOfImport } from "./lifecycle/imported.js";
import { Lifecycle } from "./lifecycle/lifecycle.js";
import { endGroupAtExit, exitWith, onEndSignals } from "./lifecycle/run-signals.js";
import { type ChildOptions, checkStartOptions, resolveChildOptions, type StartOptions } from "./options.js";
import type { SessionEnd } from "./session/session.js";

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
 * Names that start with `_`, fields, accessors and the members of this class cannot be called.
 */
export abstract class ChildWorker {
  /** The namespace of the calls that this worker answers. A subclass may set it as a field. Default: `default`. */
  readonly namespace: string;
  readonly #serviceId: string | undefined;
  readonly #lifecycle: Lifecycle;
  /** Set by `run()`: the end of the worker is the end of the process. */
  #ownsProcess = false;

  /**
   * @param options The service id to be found by, or options. A worker that a parent spawns needs neither.
   *
   * Throws `MultifrostError` `INVALID_OPTION`.
   */
  constructor(options?: string | ChildOptions) {
    const resolved = resolveChildOptions(options);
    this.namespace = resolved.namespace;
    this.#serviceId = resolved.serviceId;
    this.#lifecycle = new Lifecycle(resolved, (end) => this.#sessionEnded(end));
  }

  /** The name this worker is found by, if it is a service. */
  get serviceId(): string | undefined {
    return this.#serviceId;
  }

  /**
   * Where this worker is reached, such as `tcp://127.0.0.1:40123`; `undefined` before it has started. Useful with a
   * transport of your choice, as a service is found by its name.
   */
  get endpoint(): string | undefined {
    return this.#lifecycle.endpoint;
  }

  /**
   * How many messages were dropped so far: those that were no message for this worker, and answers that could not be
   * sent. Each is a `message_dropped` event, logged at most once a second.
   */
  get droppedMessages(): number {
    return this.#lifecycle.droppedMessages;
  }

  /**
   * Starts, and takes over the process: SIGINT, SIGTERM and the parent's shutdown end it in order with exit code 0 (a
   * second signal at once), an error at the start with one line on stderr and exit code 1. For one worker in a process.
   *
   * In a module that was imported rather than started, where no parent spawned it and it has no service id, it starts
   * nothing and warns once: a parent that needs the type writes `import type`.
   *
   * Resolves when the worker can be reached. Never rejects.
   */
  async run(): Promise<void> {
    if (!this.#lifecycle.hasStartMode && isCalledByImport(ChildWorker.prototype.run)) {
      warnOfImport(this.constructor.name);
      return;
    }
    this.#ownsProcess = true;
    onEndSignals(() => void this.#end(0));
    try {
      await this.start();
    } catch (error) {
      exitWith(error);
    }
  }

  /**
   * Makes the worker reachable. Signals and the exit of the process are left to you, except that a spawned worker ends
   * with its parent.
   *
   * Rejects with `MultifrostError`: `ALREADY_STARTED`, `NO_START_MODE`, `INVALID_PORT`, `INVALID_OPTION`; with
   * `RegistryError`: `SERVICE_EXISTS`, `LOCK_TIMEOUT`, `REGISTRY_UNAVAILABLE`; with `ConnectionError`.
   */
  async start(options: StartOptions = {}): Promise<void> {
    checkStartOptions(options);
    const methods = (): MethodTable => new MethodTable(this, ChildWorker.prototype, this.listFunctions());
    await this.#lifecycle.start(this.namespace, methods, options.transport);
  }

  /**
   * Takes no more calls, lets those in flight finish for up to `stopTimeout`, takes the service out of the registry and
   * closes. May be called at any moment and more than once; never rejects.
   */
  async stop(): Promise<void> {
    await this.#lifecycle.stop();
  }

  /** The names that can be called. Override it to offer fewer. */
  listFunctions(): string[] {
    return publicMethods(this, ChildWorker.prototype);
  }

  #sessionEnded(end: SessionEnd): void {
    if (end.cause === "parent-gone") {
      if (end.isDead) {
        endGroupAtExit();
      }
      // Calls in flight have no caller any more.
      exitWith(end.error);
    }
    void this.#end(end.cause === "shutdown" ? 0 : 1);
  }

  async #end(exitCode: 0 | 1): Promise<void> {
    await this.stop();
    if (this.#ownsProcess) {
      process.exit(exitCode);
    }
  }
}
