// Message ids: a UUID v4 for each call, heartbeat and line of output.

/** A new message id: a random UUID v4, as every implementation expects. */
export function newMessageId(): string {
  return globalThis.crypto.randomUUID();
}
