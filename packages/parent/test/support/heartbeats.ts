import type { HeartbeatMessage } from "@multifrost/protocol";

/** The answer of a worker to a heartbeat, with these features if any. */
export function answerHeartbeat(heartbeat: HeartbeatMessage, features?: readonly string[]): HeartbeatMessage {
  const announced = features === undefined ? {} : { features };
  return { ...heartbeat, metadata: { ...heartbeat.metadata, ...announced, hb_response: true } };
}
