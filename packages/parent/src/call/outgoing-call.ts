// Step 2 of a call: gate → encode → remember → send → wait. Every way a call can end without an answer is here too.
// Next: the circuit breaker (step 3), pending-calls.ts (4), the codec (5), the transport (6).

import {
  AbortError,
  CircuitOpenError,
  type Codec,
  ConnectionError,
  createCall,
  NotRunningError,
  OverloadError,
  TimeoutError,
} from "@multifrost/protocol";
import type { CallTicket, CircuitBreaker, Clock } from "@multifrost/reliability";
import { checkTimeout } from "../options.js";
import { callsWait, type ParentState } from "../state.js";
import type { CallOptions } from "./call-options.js";
import type { CallMethod } from "./call-proxy.js";
import type { PendingCall, PendingCalls } from "./pending-calls.js";

/** What a call needs from around it. */
export interface CallContext {
  /** What the worker is called in messages. */
  readonly workerName: string;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly breaker: CircuitBreaker;
  readonly pending: PendingCalls;
  readonly maxPending: number;
  readonly defaultTimeoutMs: number | undefined;
  /** How long a call without a timeout waits for a connection. */
  readonly startTimeoutMs: number;
  readonly namespace: string | undefined;
  readonly clientName: string | undefined;
  state(): ParentState;
  /** Why there is no worker, in the states in which calls are refused. */
  absence(functionName: string): Error | undefined;
  began(call: PendingCall): void;
  /** Hands a call to the channel. Throws `OverloadError` or `ConnectionError`. */
  send(call: PendingCall): void;
}

/** Makes the function that makes calls. It never throws: whatever is wrong, the promise rejects. */
export function createCaller(context: CallContext): CallMethod {
  return (name, args, options) =>
    new Promise((resolve, reject) => {
      const timeoutMs = timeoutOf(options, context);
      const ticket = gate(name, options.signal, context);
      const call = encodeCall(name, args, options, ticket, context, resolve, reject);
      context.pending.add(call);
      context.began(call);
      limitTime(call, timeoutMs, context);
      listen(call, options.signal, context);
      if (!callsWait(context.state())) {
        sendCall(call, context);
      }
    });
}

/** Sends a call, now or after it has waited; a channel that will not take it ends it. */
export function sendCall(call: PendingCall, context: Pick<CallContext, "send" | "pending">): void {
  call.sent = true;
  try {
    context.send(call);
  } catch (error) {
    context.pending.settle(call.id, { ok: false, error: error as Error });
  }
}

function timeoutOf({ timeout }: CallOptions, context: CallContext): number | undefined {
  return timeout === undefined ? context.defaultTimeoutMs : checkTimeout("timeout", timeout);
}

/** Whether the call may be made at all. Nothing is remembered of one that may not. */
function gate(name: string, signal: AbortSignal | undefined, context: CallContext): CallTicket {
  const { workerName, pending, maxPending, breaker } = context;
  const absence = context.absence(name);
  if (absence !== undefined) {
    throw absence;
  }
  if (signal?.aborted === true) {
    throw aborted(name, signal, "before it was sent");
  }
  if (pending.size >= maxPending) {
    throw new OverloadError(
      `'${name}' was not sent: ${pending.size} calls to ${workerName} are waiting (maxPending). ` +
        "Await some of them first, or use more workers.",
      { limit: maxPending },
    );
  }
  const admission = breaker.admit();
  if (!admission.admitted) {
    throw new CircuitOpenError(
      `'${name}' was not sent: the circuit to ${workerName} is open after repeated failures. The next trial call is ` +
        `let through at ${admission.retryAt.toISOString()}; resetCircuit() closes it now.`,
      { retryAt: admission.retryAt },
    );
  }
  return admission;
}

function encodeCall(
  name: string,
  args: readonly unknown[],
  options: CallOptions,
  ticket: CallTicket,
  context: CallContext,
  resolve: (value: unknown) => void,
  reject: (error: unknown) => void,
): PendingCall {
  const namespace = options.namespace ?? context.namespace;
  const message = createCall({
    function: name,
    args,
    clientName: options.clientName ?? context.clientName,
    metadata: options.metadata,
    ...(namespace === undefined ? {} : { namespace }),
  });
  try {
    return {
      id: message.id,
      name,
      bytes: context.codec.encode(message),
      ticket,
      startedAt: context.clock.now(),
      correlationId: options.metadata?.correlation_id,
      resolve,
      reject,
      sent: false,
      deadline: undefined,
      unlisten: undefined,
    };
  } catch (error) {
    context.breaker.ignored(ticket);
    throw error;
  }
}

function limitTime(call: PendingCall, timeoutMs: number | undefined, context: CallContext): void {
  if (timeoutMs !== undefined) {
    call.deadline = context.clock.setTimer(() => timeOut(call, timeoutMs, context), timeoutMs);
  } else if (callsWait(context.state())) {
    call.deadline = context.clock.setTimer(() => giveUpWaiting(call, context), context.startTimeoutMs);
  }
}

function timeOut(call: PendingCall, timeoutMs: number, { pending, workerName }: CallContext): void {
  const what = call.sent ? "No answer came" : "It waited for the worker to come back";
  const message =
    `'${call.name}' timed out after ${timeoutMs} ms. ${what}; ` +
    `${call.sent ? `${workerName} may still be running it` : "it was never sent"}. Give it more with ` +
    "withOptions({ timeout }), or look at what the worker does.";
  pending.settle(call.id, { ok: false, error: new TimeoutError(message, { timeoutMs, functionName: call.name }) });
}

/** A call that has no timeout of its own must not wait for ever for a worker that does not come back. */
function giveUpWaiting(call: PendingCall, { pending, workerName, startTimeoutMs }: CallContext): void {
  if (!call.sent) {
    const message = `'${call.name}' was not sent: ${workerName} did not come back within ${startTimeoutMs} ms (startTimeout).`;
    pending.settle(call.id, { ok: false, error: new ConnectionError("UNREACHABLE", message) });
  }
}

function listen(call: PendingCall, signal: AbortSignal | undefined, { pending }: CallContext): void {
  if (signal === undefined) {
    return;
  }
  const onAbort = (): void => {
    pending.settle(call.id, { ok: false, error: aborted(call.name, signal, "while it waited for the answer") });
  };
  signal.addEventListener("abort", onAbort, { once: true });
  call.unlisten = () => signal.removeEventListener("abort", onAbort);
}

function aborted(name: string, signal: AbortSignal, when: string): AbortError {
  return new AbortError(`'${name}' was aborted ${when}.`, { cause: signal.reason });
}

/** The error for calls to a worker that is not there to take them. */
export function notRunning(functionName: string, workerName: string, state: ParentState): NotRunningError {
  const next = {
    idle: "Call `await worker.start()` first.",
    starting: "Wait for `await worker.start()` first.",
    stopping: "stop() was called; make a new worker to go on.",
    stopped: "stop() was called; make a new worker to go on.",
  }[state as string];
  const doing = state === "idle" ? "not started" : state;
  return new NotRunningError(`'${functionName}' was not sent: ${workerName} is ${doing}. ${next ?? ""}`.trimEnd(), {
    state,
  });
}
