/** The events of Multifrost. A name never changes its meaning; new ones may be added. */
export type LogEventName =
  | "worker_start"
  | "worker_stop"
  | "worker_restart"
  | "worker_reload"
  | "worker_failed"
  | "process_spawn"
  | "process_exit"
  | "process_held"
  | "request_start"
  | "request_end"
  | "request_timeout"
  | "request_error"
  | "circuit_open"
  | "circuit_half_open"
  | "circuit_close"
  | "heartbeat_missed"
  | "heartbeat_timeout"
  | "heartbeat_recovered"
  | "worker_stalled"
  | "socket_connect"
  | "socket_disconnect"
  | "socket_reconnect"
  | "service_registered"
  | "service_unregistered"
  | "registry_warning"
  | "connection_refused"
  | "message_dropped"
  | "output_dropped"
  | "interface_mismatch"
  | "interface_unchecked";

/**
 * The level of each event, unless it is emitted with another.
 *
 * A failed call is no warning: its caller receives the error. An event that only the log shows is one.
 */
export const EVENT_LEVELS: Readonly<Record<LogEventName, "debug" | "info" | "warn" | "error">> = {
  worker_start: "info",
  worker_stop: "info",
  worker_restart: "warn",
  worker_reload: "info",
  worker_failed: "error",
  process_spawn: "info",
  process_exit: "info",
  process_held: "warn",
  request_start: "debug",
  request_end: "debug",
  request_timeout: "info",
  request_error: "info",
  circuit_open: "warn",
  circuit_half_open: "info",
  circuit_close: "info",
  heartbeat_missed: "warn",
  heartbeat_timeout: "error",
  heartbeat_recovered: "info",
  worker_stalled: "warn",
  socket_connect: "info",
  socket_disconnect: "warn",
  socket_reconnect: "info",
  service_registered: "info",
  service_unregistered: "info",
  registry_warning: "warn",
  connection_refused: "warn",
  message_dropped: "warn",
  output_dropped: "warn",
  interface_mismatch: "warn",
  interface_unchecked: "info",
};
