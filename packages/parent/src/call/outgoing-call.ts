// Step 2 of a call: gate → encode → remember → send → wait. Its ends without an answer are here too, but for losses.
// Next: gate.ts, the circuit breaker (step 3), pending-calls.ts (4), the codec (5), the transport (6).

import { type Codec, ConnectionError, createCall, type Metadata, TimeoutError } from "@multifrost/protocol";
import type { CallTicket, CircuitBreaker, Clock } from "@multifrost/reliability";
import { checkSignal, checkTimeout } from "../options.js";
import { callsWait, type ParentState } from "../state.js";
import { createAbortListeners, type OnAbort } from "./abort-listeners.js";
import type { CallOptions } from "./call-options.js";
import type { CallMethod } from "./call-proxy.js";
import { aborted, gate } from "./gate.js";
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
  /** How long a call without a timeout waits for a connection, or is the only one let through. */
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

/** An answer with what was told beside the result. */
export interface Answer {
  readonly value: unknown;
  readonly metadata: Metadata | undefined;
}

/** Makes calls. Neither function throws: whatever is wrong, the promise rejects. */
export interface Caller {
  readonly call: CallMethod;
  /** A call without arguments whose answer is wanted whole. */
  ask(name: string, options: CallOptions): Promise<Answer>;
}

/** Makes what makes calls. */
export function createCaller(context: CallContext): Caller {
  const onAbort = createAbortListeners();
  const begin = (
    name: string,
    args: readonly unknown[],
    options: CallOptions,
    resolve: PendingCall["resolve"],
    reject: PendingCall["reject"],
  ): void => {
    const timeoutMs = timeoutOf(options, context);
    checkSignal(options.signal);
    const ticket = gate(name, options.signal, context);
    const call = encodeCall(name, args, options, ticket, context, resolve, reject);
    context.pending.add(call);
    context.began(call);
    limitTime(call, timeoutMs, context);
    listen(call, options.signal, onAbort, context);
    if (!callsWait(context.state())) {
      sendCall(call, context);
    }
  };
  return {
    call: (name, args, options) => new Promise((resolve, reject) => begin(name, args, options, resolve, reject)),
    ask: (name, options) =>
      new Promise((resolve, reject) =>
        begin(name, [], options, (value, metadata) => resolve({ value, metadata }), reject),
      ),
  };
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

function encodeCall(
  name: string,
  args: readonly unknown[],
  options: CallOptions,
  ticket: CallTicket,
  context: CallContext,
  resolve: PendingCall["resolve"],
  reject: PendingCall["reject"],
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
  } else if (call.ticket.trial || callsWait(context.state())) {
    call.deadline = context.clock.setTimer(() => stopHoldingUp(call, context), context.startTimeoutMs);
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

/**
 * For a call that has no timeout of its own. It must not wait for ever for a worker that does not come back; and where
 * it is the circuit's trial, it must not keep all others out for as long as it runs: the next call is the trial then,
 * and this one goes on.
 */
function stopHoldingUp(call: PendingCall, { pending, breaker, workerName, startTimeoutMs }: CallContext): void {
  if (call.sent) {
    breaker.ignored(call.ticket);
    return;
  }
  const message = `'${call.name}' was not sent: ${workerName} did not come back within ${startTimeoutMs} ms (startTimeout).`;
  pending.settle(call.id, { ok: false, error: new ConnectionError("UNREACHABLE", message) });
}

function listen(call: PendingCall, signal: AbortSignal | undefined, onAbort: OnAbort, { pending }: CallContext): void {
  if (signal === undefined) {
    return;
  }
  call.unlisten = onAbort(signal, () => {
    pending.settle(call.id, { ok: false, error: aborted(call.name, signal, "while it waited for the answer") });
  });
}
