// What one call can be told. The same fields everywhere: withOptions, callFunction.

import type { Metadata } from "@multifrost/protocol";

/** Options of one call, or of a chain of them. */
export interface CallOptions {
  /** How long it may take, in milliseconds. Default: the worker's `defaultTimeout`. Then: `TimeoutError`. */
  timeout?: number;
  /** Ends the wait for the answer with `AbortError`. The worker may go on with the method. */
  signal?: AbortSignal;
  /** Which worker on the channel is meant. Default: the parent's `namespace`. */
  namespace?: string;
  /** Sent along for the worker's logs. Default: the parent's `clientName`. */
  clientName?: string;
  /** Sent along: `correlation_id`, `parent_request_id`, `traceparent`, `tracestate`, and keys of your own. */
  metadata?: Metadata;
}
