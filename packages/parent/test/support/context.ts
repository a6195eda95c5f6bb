// The parts of a parent, put together for a test without a process or a transport.

import { EventEmitter } from "node:events";
import { createCodec, NO_FEATURES } from "@multifrost/protocol";
import { type Clock, type LogLevel, type LogRecord, systemClock } from "@multifrost/reliability";
import { vi } from "vitest";
import { Calls } from "../../src/calls/calls.js";
import type { ParentEvents } from "../../src/events.js";
import { CurrentSession } from "../../src/lifecycle/current-session.js";
import { Telemetry } from "../../src/lifecycle/telemetry.js";
import { type ParentOptions, resolveOptions } from "../../src/options.js";
import type { ActiveSession, ConnectMode, ParentContext } from "../../src/session/types.js";

const noTransport: ConnectMode = {
  kind: "composed",
  name: "math",
  transport: { open: () => Promise.reject(new Error("not opened here")) },
};

/** A logger that keeps its records, by level. */
export function recordingLogger() {
  const records: [LogLevel, LogRecord][] = [];
  const at = (level: LogLevel) => (record: LogRecord) => void records.push([level, record]);
  return { records, logger: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") } };
}

/** A context named `math`, with its calls, its state and what it logged and emitted. */
export function parentParts(given: ParentOptions = {}, mode: ConnectMode = noTransport, clock: Clock = systemClock()) {
  const { records, logger } = recordingLogger();
  const emitter = new EventEmitter<ParentEvents>();
  const emitted: unknown[][] = [];
  const emit = emitter.emit.bind(emitter);
  emitter.emit = (event: keyof ParentEvents, ...args: unknown[]) => {
    emitted.push([event, ...args]);
    return emit(event, ...(args as never));
  };
  const options = resolveOptions({ logger, ...given });
  const telemetry = new Telemetry("math", "math-service", options, emitter, clock);
  const context: ParentContext = {
    name: "math",
    mode,
    codec: createCodec({ app: given.app, limits: given.limits }),
    options,
    telemetry,
  };
  const current = new CurrentSession("math", telemetry);
  const calls = new Calls(context, current);
  return { context, current, calls, telemetry, emitter, emitted, records };
}

/** A session that sends nowhere. */
export function idleSession() {
  const send = vi.fn((_bytes: Uint8Array) => {});
  const close = vi.fn(async () => {});
  return {
    pid: undefined,
    lastRttMs: undefined,
    isProven: false as boolean,
    isListedByNode: false,
    features: NO_FEATURES,
    queued: 0 as number,
    send,
    retire() {},
    close,
  } satisfies ActiveSession;
}
