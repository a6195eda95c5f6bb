import { createCodec } from "@multifrost/protocol";
import { createFakeClock } from "@multifrost/testing";
import { describe, expect, it, vi } from "vitest";
import { createHealthCheck, provesReachable } from "../../src/session/health-check.js";
import { parentParts } from "../support/context.js";

const codec = createCodec();

function health() {
  const clock = createFakeClock();
  const given = { heartbeatInterval: 1, heartbeatTimeout: 0.5, heartbeatMaxMisses: 2, stallTimeout: 3 };
  const { context, telemetry, records, emitted } = parentParts(given, undefined, clock);
  const sent: Uint8Array[] = [];
  const [onLost, onStalled] = [vi.fn(), vi.fn()];
  const send = (bytes: Uint8Array): void => void sent.push(bytes);
  const monitor = createHealthCheck(context, { send, received: () => 0, onStalled, onLost });
  const lastSent = () => codec.decode(sent.at(-1) ?? new Uint8Array());
  const beats = () => emitted.filter(([event]) => event === "heartbeat").map(([, beat]) => beat);
  return { clock, telemetry, records, onLost, onStalled, beats, sent, monitor, lastSent };
}

describe("the health check", () => {
  it("[MSG-12] sends heartbeat messages with the sender's clock in metadata.hb_timestamp", () => {
    const { monitor, lastSent } = health();
    monitor.start();
    expect(lastSent()).toMatchObject({ type: "heartbeat", metadata: { hb_timestamp: expect.any(Number) } });
  });

  it("sends the first at once and one every interval", () => {
    const { monitor, clock, sent } = health();
    monitor.start();
    expect(sent).toHaveLength(1);
    clock.advance(2000);
    expect(sent).toHaveLength(3);
  });

  it("[MSG-12] an answer is a round trip: measured on this side's clock, emitted and counted", () => {
    const { monitor, clock, telemetry, beats, lastSent } = health();
    monitor.start();
    clock.advance(40);
    monitor.answered(lastSent().id);
    expect(beats()).toEqual([{ rttMs: 40 }]);
    expect(telemetry.metrics.snapshot().heartbeat).toEqual({ rttLastMs: 40, rttAvgMs: 40, misses: 0 });
  });

  it("a miss is emitted, counted and logged; the last one allowed is a stall, which the circuit does not count", () => {
    const { monitor, clock, telemetry, beats, onLost, onStalled, lastSent } = health();
    monitor.start();
    clock.advance(1600);
    expect(beats()).toEqual([{ misses: 1 }, { misses: 2 }]);
    expect(onStalled.mock.calls).toEqual([[true]]);
    expect(onLost).not.toHaveBeenCalled();
    expect(telemetry.breaker.state).toBe("closed");
    expect(telemetry.metrics.snapshot().heartbeat.misses).toBe(2);
    monitor.answered(lastSent().id);
    expect(onStalled.mock.calls).toEqual([[true], [false]]);
  });

  it("a stall of stallTimeout opens the circuit, and an answer closes it", () => {
    const { monitor, clock, telemetry, onLost, records, lastSent } = health();
    monitor.start();
    clock.advance(2600);
    expect(onLost.mock.calls).toEqual([[{ misses: 3, silentMs: 3000 }]]);
    expect(telemetry.breaker.state).toBe("open");
    monitor.answered(lastSent().id);
    expect(telemetry.breaker.state).toBe("closed");
    const logged = records.filter(([, { event }]) => /^heartbeat|stalled/.test(event));
    expect(logged.map(([, { event, details }]) => [event, details])).toEqual([
      ["heartbeat_missed", { misses: 1 }],
      ["heartbeat_missed", { misses: 2 }],
      ["worker_stalled", { misses: 2 }],
      ["heartbeat_missed", { misses: 3 }],
      ["heartbeat_timeout", undefined],
      ["heartbeat_recovered", undefined],
    ]);
  });
});

it("a circuit that opened for another reason stays open when a stall is over", () => {
  const { monitor, clock, telemetry, lastSent } = health();
  monitor.start();
  clock.advance(1600);
  telemetry.breaker.trip("restarts used up");
  monitor.answered(lastSent().id);
  expect(telemetry.breaker.state).toBe("open");
});

describe("the proof that a worker can be reached", () => {
  it("is one heartbeat, answered in time", async () => {
    const { monitor, clock, lastSent } = health();
    const proven = provesReachable(monitor, 100);
    clock.advance(50);
    monitor.answered(lastSent().id);
    expect(await proven).toBe(true);
  });

  it("fails when the time is up, and is no miss", async () => {
    const { monitor, clock, beats } = health();
    const proven = provesReachable(monitor, 100);
    clock.advance(101);
    expect(await proven).toBe(false);
    expect(beats()).toEqual([]);
  });
});
