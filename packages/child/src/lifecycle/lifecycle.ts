import { createCodec } from "@multifrost/protocol";
import { MultifrostError } from "@multifrost/protocol/errors";
import { EVENT_LEVELS, LONGEST_TIMER_MS, registryUnloadable, withLimit } from "@multifrost/protocol/internal";
import type { ServiceRegistry } from "@multifrost/registry";
import { EventLog, prettyLogger, RareEvent, systemClock } from "@multifrost/reliability";
import type { ServerTransport } from "@multifrost/transport";
import type { MethodTable } from "../calls/method-table.js";
import type { ResolvedChildOptions } from "../options.js";
import { OutputForwarder } from "../output/output-forwarder.js";
import { writeUnforwarded } from "../output/stream-tap.js";
import { Session, type SessionEnd } from "../session/session.js";
import { type Announcement, announce, hasStartMode, startMode, takeFromParent } from "../session/start-mode.js";

/** The states of a child. It goes through them in this order, once. */
type LifecycleState = "idle" | "starting" | "running" | "stopping" | "stopped";

/** A child from start to stop: its state, its session, its registry entry and its output. */
export class Lifecycle {
  readonly #options: ResolvedChildOptions;
  readonly #onEnd: (end: SessionEnd) => void;
  /** Taken when the worker is made, since it may start processes before it is started. */
  readonly #given: Record<string, string | undefined>;
  readonly #clock = systemClock();
  readonly #events: EventLog;
  readonly #drops: RareEvent;
  #state: LifecycleState = "idle";
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #session: Session | undefined;
  #announcement: Announcement | undefined;
  #forwarder: OutputForwarder | undefined;
  #serving: NodeJS.Timeout | undefined;

  /** @param onEnd Called when the worker should end, possibly more than once. */
  constructor(options: ResolvedChildOptions, onEnd: (end: SessionEnd) => void) {
    this.#options = options;
    this.#given = typeof options.transport === "object" ? {} : takeFromParent(process.env);
    this.#onEnd = onEnd;
    this.#events = new EventLog({
      clock: this.#clock,
      levels: EVENT_LEVELS,
      // Not forwarded: a line about forwarding would make another line.
      logger: options.logger ?? prettyLogger({ level: "warn", write: (line) => writeUnforwarded("stderr", line) }),
      context: { serviceId: options.serviceId, workerId: `${process.pid}` },
    });
    this.#drops = new RareEvent({ clock: this.#clock, events: this.#events, name: "message_dropped" });
  }

  /** Where the worker is reached; `undefined` before it has started. */
  get endpoint(): string | undefined {
    return this.#session?.endpoint;
  }

  /** Whether anything says how the worker is reached. */
  get hasStartMode(): boolean {
    return hasStartMode(this.#options, this.#given);
  }

  /** Messages that were dropped, and answers that could not be sent. */
  get droppedMessages(): number {
    return this.#drops.count;
  }

  /**
   * Makes the worker reachable.
   *
   * @param namespace The namespace in use, which the worker's class may have set.
   * @param methods Makes the table of methods. Called once the start mode is known.
   * @param transport Carries the messages instead of what the options say.
   *
   * Rejects with `MultifrostError`: `ALREADY_STARTED`; with what `methods` throws; as {@link startMode},
   * {@link Session.open} and {@link announce} do. Then nothing is left open.
   */
  async start(namespace: string, methods: () => MethodTable, transport?: ServerTransport): Promise<void> {
    if (this.#state !== "idle") {
      throw new MultifrostError(
        "ALREADY_STARTED",
        `start() was called on a worker that is ${this.#state}. A worker starts once; make a new one to start again.`,
      );
    }
    this.#state = "starting";
    try {
      this.#starting = this.#open(namespace, methods, transport);
      await this.#starting;
    } catch (error) {
      this.#state = "stopped";
      throw error;
    }
    // `stop()` may have been called meanwhile.
    if (this.#state === "starting") {
      this.#state = "running";
    }
  }

  /** Ends the worker in order. May be called at any moment and more than once; never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #open(namespace: string, methods: () => MethodTable, transport: ServerTransport | undefined): Promise<void> {
    const options = { ...this.#options, namespace, ...(transport && { transport }) };
    const mode = startMode(options, this.#given, process.env);
    const table = methods();
    const codec = createCodec({ app: options.app, limits: options.limits });
    const events = this.#events;
    const session = await Session.open(
      { mode, options, methods: table, codec, events, drops: this.#drops },
      this.#onEnd,
    );
    this.#session = session;
    const { endpoint } = session;
    try {
      this.#announcement = await announce(mode, endpoint, async () => options.registry ?? fileRegistry(events));
    } catch (error) {
      this.#session = undefined;
      await session.close();
      throw error;
    }
    // A child and a parent over a transport of the user may be one process.
    if (options.forwardOutput ?? mode.kind !== "composed") {
      const lost = new RareEvent({ clock: this.#clock, events, name: "output_dropped" });
      this.#forwarder = new OutputForwarder(codec, session.peers, mode.kind === "service", lost);
    }
    if (this.#announcement !== undefined) {
      events.emit("service_registered", { details: { endpoint } });
    }
    events.emit("worker_start", { message: `Worker reachable at ${endpoint}.`, details: { mode: mode.kind } });
    this.#serving = mode.kind === "composed" ? undefined : showAsAlive();
  }

  async #stop(): Promise<void> {
    const before = this.#state;
    this.#state = before === "idle" || before === "stopped" ? "stopped" : "stopping";
    if (before === "starting") {
      await this.#starting?.catch(() => undefined);
    }
    if (this.#session !== undefined) {
      await this.#shutDown(this.#session);
    }
    this.#state = "stopped";
  }

  /** The service is withdrawn while calls finish, so that no parent finds one that takes no more calls. */
  async #shutDown(session: Session): Promise<void> {
    const { calls } = session;
    const withdrawn = this.#withdraw();
    await Promise.all([withLimit(calls.drain(), this.#options.stopTimeout, () => {}), session.refuseCalls()]);
    const unfinishedCalls = calls.pending;
    calls.abandon();
    await withdrawn;
    const details = { unfinishedCalls, droppedMessages: this.droppedMessages };
    this.#events.emit("worker_stop", { message: "Worker stopped.", details });
    await session.close();
    this.#forwarder?.restore();
    clearInterval(this.#serving);
  }

  async #withdraw(): Promise<void> {
    if (this.#announcement === undefined) {
      return;
    }
    try {
      await this.#announcement.withdraw();
      this.#events.emit("service_unregistered");
    } catch (error) {
      this.#events.emit("registry_warning", { message: "The service could not be unregistered.", err: error });
    }
  }
}

async function fileRegistry(events: EventLog): Promise<ServiceRegistry> {
  const { createFileRegistry } = await import("@multifrost/registry").catch((cause) => {
    throw registryUnloadable(cause);
  });
  return createFileRegistry({ onWarning: (message) => events.emit("registry_warning", { message }) });
}

/**
 * ZeroMQ's socket keeps the process alive but is in no list of Node's. This timer is: parents look there for what keeps a
 * process alive. With `options.transport`, what keeps the process alive is unknown.
 */
function showAsAlive(): NodeJS.Timeout {
  return setInterval(() => {}, LONGEST_TIMER_MS);
}
