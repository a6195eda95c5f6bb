// What a parent measures and reports: the clock, the circuit breaker, the metrics, the log, and the events of the
// `ParentWorker`.

import type { Message } from "@multifrost/protocol";
import type { ExitDetails } from "@multifrost/protocol/errors";
import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import {
  CircuitBreaker,
  type CircuitChange,
  type Clock,
  createFailureRule,
  EventLog,
  type FailureRule,
  type LogEventName,
  type LoggedEvent,
  MethodCircuits,
  Metrics,
  RareEvent,
  systemClock,
} from "@multifrost/reliability";
import { describeExit, inSeconds } from "../errors.js";
import { emitSafely, type ParentEmitter, type ParentEvents } from "../events.js";
import type { ResolvedOptions } from "../options.js";

/** Upper bound of the doubling `circuitResetTimeout`, in milliseconds, unless it starts above. */
const MAX_CIRCUIT_RESET_MS = 30_000;

const CIRCUIT_EVENTS: Readonly<Record<CircuitChange["to"], LogEventName>> = {
  open: "circuit_open",
  "half-open": "circuit_half_open",
  closed: "circuit_close",
};

/** The instruments of one parent. */
export class Telemetry {
  readonly clock: Clock;
  readonly events: EventLog;
  readonly requestStart: LoggedEvent;
  readonly requestEnd: LoggedEvent;
  readonly metrics: Metrics;
  readonly breaker: CircuitBreaker;
  /** The circuits of methods that threw. */
  readonly methods: MethodCircuits;
  /** Whether an error counts against the worker in the circuit breaker. */
  readonly isFailure: FailureRule;
  readonly #name: string;
  readonly #emitter: ParentEmitter;
  readonly #refused: RareEvent;

  constructor(
    name: string,
    serviceId: string | undefined,
    options: ResolvedOptions,
    emitter: ParentEmitter,
    clock: Clock = systemClock(),
  ) {
    this.clock = clock;
    this.#name = name;
    this.#emitter = emitter;
    this.isFailure = createFailureRule(options.isFailure);
    this.events = new EventLog({
      levels: EVENT_LEVELS,
      clock,
      logger: options.logger,
      context: { workerId: name, serviceId },
    });
    this.requestStart = this.events.event("request_start");
    this.requestEnd = this.events.event("request_end");
    this.#refused = new RareEvent({ clock, events: this.events, name: "connection_refused" });
    const circuit = {
      clock,
      failureThreshold: options.maxRestartAttempts,
      resetTimeoutMs: options.circuitResetMs,
      resetTimeoutMaxMs: Math.max(options.circuitResetMs, MAX_CIRCUIT_RESET_MS),
      onChange: (change: CircuitChange, functionName?: string) => this.#reportCircuit(change, functionName),
    };
    this.breaker = new CircuitBreaker(circuit);
    this.methods = new MethodCircuits(circuit);
    this.metrics = new Metrics({ clock, circuitState: () => this.breaker.state });
  }

  /** Emits an event of the `ParentWorker`; returns whether it had listeners. */
  notify<K extends keyof ParentEvents>(event: K, ...args: ParentEvents[K]): boolean {
    return emitSafely(this.#emitter, event, ...args);
  }

  /** Emits `message`. One arrives for each call, so without a listener this only looks for one. */
  notifyMessage(message: Message): void {
    if (this.#emitter.listenerCount("message") > 0) {
      emitSafely(this.#emitter, "message", message);
    }
  }

  /** Reports the exit of a process: as a warning where it was not asked for, since no call may be there to fail. */
  reportExit(exit: ExitDetails, unexpected: boolean): void {
    const { exitCode, signal, command, uptimeMs, callsInFlight, hint } = exit;
    const calls = callsInFlight === 0 ? "" : ` with ${callsInFlight} calls in flight`;
    const advice = hint === undefined ? "" : ` ${hint}`;
    const message = `The process of ${this.#name} ended (${describeExit(exit)}) after ${inSeconds(uptimeMs)}${calls}.${advice}`;
    // Its stderr was shown as it came, and is in the `exit` event.
    const details = { exitCode, signal, command, uptimeMs, callsInFlight };
    this.events.emit("process_exit", { message, details }, unexpected ? "warn" : "info");
    this.notify("exit", exit);
  }

  /** Counts a connection that was not the worker's, and logs some of them. */
  reportRefused(reason: string): void {
    this.metrics.connectionRefused();
    this.#refused.emit({ message: `A connection to ${this.#name} was refused: ${reason}`, details: { reason } });
  }

  /** Closes every circuit. */
  closeCircuits(reason: string): void {
    this.breaker.close(reason);
    this.methods.close(reason);
  }

  /** @param functionName - The method whose circuit it is; the worker's without. */
  #reportCircuit(change: CircuitChange, functionName: string | undefined): void {
    const { from, to, reason, failures, retryAt } = change;
    this.metrics.circuitChanged(to);
    this.events.emit(CIRCUIT_EVENTS[to], {
      message: `The circuit ${functionName === undefined ? "to" : `of '${functionName}' in`} ${this.#name} went from ${from} to ${to}: ${reason}.`,
      functionName,
      details: { failures, retryAt },
    });
    this.notify("circuit", functionName === undefined ? change : { ...change, functionName });
  }
}
