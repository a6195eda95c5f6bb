// The calls of one parent, from the moment each is made to the moment it settles. A call outlives sessions: one that was
// not sent yet waits for the next.

import {
  createCall,
  type ErrorMessage,
  type Metadata,
  type ResponseMessage,
  readRemoteError,
  wireTime,
} from "@multifrost/protocol";
import type { CallOutcome, MultifrostError } from "@multifrost/protocol/errors";
import { copiedLength, withOutcome } from "@multifrost/protocol/internal";
import { type Admission, type CallTicket, Deadlines } from "@multifrost/reliability";
import {
  aborted,
  circuitOpen,
  failedInWorker,
  methodCircuitOpen,
  notBack,
  notRunning,
  overloaded,
  timedOut,
} from "../errors.js";
import type { CurrentSession } from "../lifecycle/current-session.js";
import { checkCallOptions } from "../option-rules.js";
import { type CallOptions, NO_OPTIONS } from "../options.js";
import type { ActiveSession, ParentContext } from "../session/types.js";
import { AbortListeners } from "./abort-listeners.js";
import { type MeasuredCall, reportFailure, reportResult, reportStart } from "./call-telemetry.js";
import { type PendingCall, PendingCalls } from "./pending-calls.js";

const NO_BYTES = new Uint8Array();

/** A result with the metadata of its message. */
export interface Answer {
  readonly value: unknown;
  readonly metadata: Metadata | undefined;
}

/** Makes, remembers and settles calls. Each settles once. */
export class Calls {
  readonly #context: ParentContext;
  readonly #current: CurrentSession;
  readonly #abortListeners = new AbortListeners();
  readonly #deadlines: Deadlines<PendingCall>;
  /** Whether another session follows: a call that its worker did not run is sent again then. */
  readonly #sendsAgain: boolean;
  readonly #pending = new PendingCalls();

  constructor(context: ParentContext, current: CurrentSession) {
    this.#context = context;
    this.#current = current;
    const { mode, options } = context;
    this.#sendsAgain = mode.kind === "service" || (mode.kind === "spawned" && options.autoRestart);
    this.#deadlines = new Deadlines(context.telemetry.clock, (call) => this.#onDue(call));
  }

  /** How many calls have not settled. */
  get size(): number {
    return this.#pending.size;
  }

  /** Calls a method and returns its result. Never throws: whatever is wrong, the promise rejects. */
  call(name: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    return new Promise((resolve, reject) => this.#begin(name, args, options, resolve, reject));
  }

  /** Calls a method without arguments, for a result with its metadata. */
  ask(name: string, options: CallOptions): Promise<Answer> {
    return new Promise((resolve, reject) =>
      this.#begin(name, [], options, (value, metadata) => resolve({ value, metadata }), reject),
    );
  }

  /**
   * Resolves a call with its response. Returns `false` when no call waits for it.
   *
   * @param arrivedAt When the response arrived, on the monotonic clock, in milliseconds.
   */
  resolve({ id, result, metadata }: ResponseMessage, arrivedAt: number): boolean {
    const call = this.#pending.get(id);
    if (call === undefined) {
      return false;
    }
    this.#forget(call);
    reportResult(call, arrivedAt, this.#context.telemetry);
    call.resolve(result, metadata);
    return true;
  }

  /**
   * Rejects a call with the error its worker sent; one that the worker did not run, as it is stopping, waits for the next
   * session. Returns `false` when no call waits for it.
   */
  rejectRemote(message: ErrorMessage): boolean {
    const failure = readRemoteError(message);
    if (failure.code === "STOPPING" && this.#sendsAgain && !this.#current.isEnding) {
      return this.#waitForNext(message.id);
    }
    const isRefused = failure.code !== undefined;
    return this.reject(
      message.id,
      (functionName) => failedInWorker(this.#context.name, { ...failure, functionName }),
      isRefused ? "not-run" : "unknown",
    );
  }

  /** Rejects a call. Returns `false` when there is no such call. */
  reject(id: string, errorFor: (functionName: string) => Error, outcome?: CallOutcome): boolean {
    const call = this.#pending.get(id);
    if (call === undefined) {
      return false;
    }
    this.#rejectCall(call, errorFor(call.name), outcome);
    return true;
  }

  /** Rejects every call, each with its own error. */
  rejectAll(errorFor: (call: MeasuredCall) => Error): void {
    for (const call of [...this.#pending.values()]) {
      this.#rejectCall(call, errorFor(call));
    }
  }

  /** Rejects the calls that wait for an answer: of any session, or of this one. */
  rejectSent(errorFor: (call: MeasuredCall) => Error, session?: ActiveSession): void {
    for (const call of this.#pending.sent(session)) {
      this.#rejectCall(call, errorFor(call));
    }
  }

  /** How many calls wait for an answer of this session. */
  countSent(session: ActiveSession): number {
    return this.#pending.sent(session).length;
  }

  /** Rejects the calls that wait for a session. */
  rejectWaiting(errorFor: (call: MeasuredCall) => Error): void {
    for (const call of this.#pending.waiting()) {
      this.#rejectCall(call, errorFor(call));
    }
  }

  /** Sends the calls that wait for a session, in the order in which they were made. */
  sendWaiting(): void {
    for (const call of this.#pending.waiting()) {
      this.#send(call);
    }
  }

  /** Resolves when no call waits for an answer: of any session, or of this one. Calls that wait for a session do not count. */
  allAnswered(session?: ActiveSession): Promise<void> {
    return this.#pending.allAnswered(session);
  }

  #begin(
    name: string,
    args: readonly unknown[],
    options: CallOptions,
    resolve: PendingCall["resolve"],
    reject: PendingCall["reject"],
  ): void {
    const { options: defaults, telemetry } = this.#context;
    let call: PendingCall;
    try {
      if (options !== NO_OPTIONS) {
        checkCallOptions(options);
      }
      const ticket = this.#admit(name, options.signal);
      const methodTicket = telemetry.methods.size === 0 ? undefined : this.#admitMethod(name, ticket);
      call = this.#encode(name, args, options, ticket, methodTicket, resolve, reject);
    } catch (error) {
      reject(withOutcome(error, "not-sent"));
      return;
    }
    this.#pending.set(call.id, call);
    this.#pending.bytes += call.size;
    reportStart(call, telemetry);
    const waits = this.#current.callsWait;
    if (call.timeoutMs !== undefined) {
      this.#deadlines.set(call, call.timeoutMs, call.startedAt);
    } else if (waits || call.ticket.trial || call.methodTicket !== undefined) {
      this.#deadlines.set(call, defaults.startTimeoutMs, call.startedAt);
    }
    if (options.signal !== undefined) {
      this.#listenFor(options.signal, call);
    }
    if (!waits) {
      this.#send(call);
    }
  }

  /**
   * Lets a call go ahead. Throws why it is refused: the parent's state, `AbortError`, `OverloadError`, or
   * `CircuitOpenError`.
   */
  #admit(name: string, signal: AbortSignal | undefined): CallTicket {
    const { name: workerName, options, telemetry } = this.#context;
    const refusal = this.#current.refusalReason(name);
    if (refusal !== undefined) {
      throw refusal;
    }
    if (signal?.aborted === true) {
      throw aborted(name, signal, "before it was sent");
    }
    if (this.#pending.size >= options.maxPending) {
      throw overloaded(name, workerName, "maxPending", options.maxPending);
    }
    // Before it is encoded: refusing many must not take memory.
    if (this.#pending.bytes >= options.maxPendingBytes && !this.#hasRoom()) {
      throw overloaded(name, workerName, "maxPendingBytes", options.maxPendingBytes);
    }
    const admission = telemetry.breaker.admit();
    if (!admission.admitted) {
      throw circuitOpen(name, workerName, admission.retryAt);
    }
    return admission;
  }

  /** Looks again whether there is room for another message, without those that the connection has taken meanwhile. */
  #hasRoom(): boolean {
    const { session } = this.#current;
    if (session === undefined || session.queued === 0) {
      this.#pending.reclaim();
    }
    return this.#pending.bytes < this.#context.options.maxPendingBytes;
  }

  /** The same for a method that failed before. */
  #admitMethod(name: string, ticket: CallTicket): Admission | undefined {
    const { name: workerName, telemetry } = this.#context;
    const admission = telemetry.methods.admit(name);
    if (admission?.admitted === false) {
      telemetry.breaker.ignored(ticket);
      throw methodCircuitOpen(name, workerName, admission.retryAt);
    }
    return admission;
  }

  #encode(
    name: string,
    args: readonly unknown[],
    options: CallOptions,
    ticket: CallTicket,
    methodTicket: Admission | undefined,
    resolve: PendingCall["resolve"],
    reject: PendingCall["reject"],
  ): PendingCall {
    const { codec, options: defaults, telemetry } = this.#context;
    const startedAt = telemetry.clock.now();
    try {
      const message = createCall({
        function: name,
        args,
        clientName: options.clientName ?? defaults.clientName,
        metadata: options.metadata,
        namespace: options.namespace ?? defaults.namespace,
        timestamp: wireTime(startedAt),
      });
      const bytes = codec.encodeParts(message, this.#current);
      return {
        id: message.id,
        name,
        bytes,
        size: bytes instanceof Uint8Array ? bytes.byteLength : copiedLength(bytes),
        ticket,
        methodTicket,
        startedAt,
        correlationId: options.metadata?.correlation_id,
        resolve,
        reject,
        sentOn: undefined,
        timeoutMs: options.timeout ?? defaults.defaultTimeoutMs,
        stopListening: undefined,
        slot: undefined,
        previous: undefined,
        next: undefined,
      };
    } catch (error) {
      telemetry.breaker.ignored(ticket);
      telemetry.methods.ignored(name, methodTicket);
      throw error;
    }
  }

  /**
   * Lets a call that was not run wait for the next session, or sends it there if that is in use already. Returns `false` when
   * there is no such call.
   */
  #waitForNext(id: string): boolean {
    const call = this.#pending.get(id);
    if (call === undefined) {
      return false;
    }
    const before = call.sentOn;
    call.sentOn = undefined;
    if (this.#current.isUp && this.#current.session !== before) {
      this.#send(call);
    } else {
      this.#current.refusesCalls();
      if (call.slot === undefined) {
        const { options, telemetry } = this.#context;
        this.#deadlines.set(call, options.startTimeoutMs, telemetry.clock.now());
      }
    }
    this.#pending.checkAnswered();
    return true;
  }

  /** Sends a call on the current session. If the session does not take it, the call rejects. */
  #send(call: PendingCall): void {
    const { session } = this.#current;
    try {
      if (session === undefined) {
        throw notRunning(call.name, this.#context.name, this.#current.state);
      }
      call.sentOn = session;
      const { bytes } = call;
      session.send(bytes, bytes instanceof Uint8Array ? undefined : (error) => this.#checkTaken(call, error));
      if (!this.#sendsAgain) {
        call.bytes = NO_BYTES;
      }
    } catch (error) {
      this.#rejectCall(call, error as Error, "not-sent");
    }
  }

  /** Binary data may have been transferred to another thread since the call was made. Other errors end the session too. */
  #checkTaken(call: PendingCall, error: MultifrostError | undefined): void {
    if (error?.code === "UNSENDABLE_VALUE") {
      this.#rejectCall(call, error, "not-sent");
    }
  }

  #listenFor(signal: AbortSignal, call: PendingCall): void {
    call.stopListening = this.#abortListeners.add(signal, () =>
      this.#rejectCall(call, aborted(call.name, signal, "while it waited for the answer")),
    );
  }

  #onDue(call: PendingCall): void {
    if (call.timeoutMs === undefined) {
      this.#stopHoldingUp(call);
    } else {
      this.#rejectCall(call, timedOut(call.name, this.#context.name, call.timeoutMs, call.sentOn !== undefined));
    }
  }

  /**
   * For a call without a timeout. It must not wait forever for a worker that does not come back. If it is the circuit's
   * trial, it must not keep other calls out for as long as it runs: the next call becomes the trial, and it goes on.
   */
  #stopHoldingUp(call: PendingCall): void {
    const { name, options, telemetry } = this.#context;
    if (call.sentOn !== undefined) {
      telemetry.breaker.ignored(call.ticket);
      telemetry.methods.ignored(call.name, call.methodTicket);
    } else {
      this.#rejectCall(call, notBack(call.name, name, options.startTimeoutMs));
    }
  }

  /** @param outcome What is known of it. Default: nothing if it was sent. */
  #rejectCall(call: PendingCall, error: Error, outcome?: CallOutcome): void {
    if (this.#pending.has(call.id)) {
      this.#forget(call);
      if (call.sentOn !== undefined) {
        this.#pending.abandon(call);
      }
      reportFailure(call, error, this.#context.telemetry);
      call.reject(withOutcome(error, outcome ?? (call.sentOn === undefined ? "not-sent" : "unknown")));
    }
  }

  /** Lets go of a call that settles next. */
  #forget(call: PendingCall): void {
    const pending = this.#pending;
    pending.delete(call.id);
    pending.bytes -= call.size;
    if (call.slot !== undefined) {
      this.#deadlines.cancel(call);
    }
    call.stopListening?.();
    if (pending.waiters.length > 0) {
      pending.checkAnswered();
    }
  }
}
