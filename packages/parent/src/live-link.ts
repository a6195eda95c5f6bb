// A link that calls can go out on: opened, proven by a heartbeat, watched from then on, until it is let go.
// Next: link-events.ts for what comes from it, connection.ts, which has one at a time, shutdown.ts for its end.

import type { HeartbeatMonitor } from "@multifrost/reliability";
import { createHealthCheck } from "./health/health-check.js";
import type { LifeConfig } from "./life-config.js";
import type { Link } from "./link.js";
import { type LiveLinkParts, linkEvents, newStage, type Stage } from "./link-events.js";
import { endedEarly, proveReachable } from "./prove-reachable.js";
import { endLink } from "./shutdown.js";

/** A link in use. */
export interface LiveLink {
  readonly link: Link;
  readonly health: HeartbeatMonitor;
  /** Lets go of it: heartbeats end, a process of our own is made to end, the channel closed. Never rejects. */
  drop(): Promise<void>;
}

/** Opens a link; `live` is told when it can be used. Rejects as `OpenLink` does, and as {@link proveReachable}. */
export async function openLive(parts: LiveLinkParts): Promise<void> {
  const { config, instruments, signal, tell } = parts;
  const { startTimeoutMs: timeoutMs, heartbeatIntervalMs } = config.options;
  const openedBy = instruments.clock.now() + timeoutMs;
  const { stage, ended } = newStage();
  const link = await config.open(linkEvents(stage, parts), signal);
  const monitor = monitorOf(link, parts);
  stage.health = monitor;
  const live = liveLink(stage, link, monitor, config);
  try {
    if (heartbeatIntervalMs > 0) {
      const leftMs = Math.max(0, openedBy - instruments.clock.now());
      await proveReachable({ link, monitor, ended, timeoutMs, leftMs, signal });
    }
    signal.throwIfAborted();
    if (stage.loss !== undefined) {
      throw endedEarly(link, stage.loss);
    }
  } catch (error) {
    await live.drop();
    throw error;
  }
  const { endpoint } = link.channel;
  instruments.events.emit("socket_connect", { message: `Connected to ${config.name}.`, details: { endpoint } });
  stage.phase = "live";
  monitor.start();
  tell.live(live);
}

function liveLink(stage: Stage, link: Link, health: HeartbeatMonitor, { codec }: LifeConfig): LiveLink {
  let dropping: Promise<void> | undefined;
  return {
    link,
    health,
    drop() {
      stage.phase = "dropped";
      health.stop();
      dropping ??= endLink(link, codec);
      return dropping;
    },
  };
}

function monitorOf({ channel, worker }: Link, { config, instruments }: LiveLinkParts): HeartbeatMonitor {
  const { codec, options, notify } = config;
  const { clock, metrics, events, breaker } = instruments;
  return createHealthCheck({
    clock,
    codec,
    options,
    metrics,
    events,
    send: (bytes) => channel.send(bytes),
    onBeat: (beat) => notify("heartbeat", beat),
    onLost() {
      breaker.trip("heartbeats lost");
      if (options.autoRestart) {
        worker?.kill("SIGKILL");
      }
    },
    onRecovered: () => breaker.close("heartbeats answered"),
  });
}
