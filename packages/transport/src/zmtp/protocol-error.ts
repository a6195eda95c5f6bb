// What a peer does that ends its connection.

/** The peer broke a rule of ZMTP or exceeded a limit. The message says which, for the log. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
