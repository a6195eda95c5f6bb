import { createCodec } from "@multifrost/protocol";
import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { EventLog, type LogRecord, Metrics } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/reliability/testing";
import { describe, expect, it, vi } from "vitest";
import { createHealthCheck } from "../../src/health/health-check.js";
import { resolveOptions } from "../../src/options.js";

const codec = createCodec();

function health() {
  const clock = createFakeClock();
  const metrics = new Metrics({ clock });
  const records: LogRecord[] = [];
  const take = (record: LogRecord): void => void records.push(record);
  const events = new EventLog({ levels: EVENT_LEVELS, clock, logger: { info: take, warn: take, error: take } });
  const told = { onBeat: vi.fn(), onLost: vi.fn(), onRecovered: vi.fn() };
  const sent: Uint8Array[] = [];
  const options = resolveOptions({ heartbeatInterval: 1, heartbeatTimeout: 0.5, heartbeatMaxMisses: 2 });
  const send = (bytes: Uint8Array): void => void sent.push(bytes);
  const monitor = createHealthCheck({ clock, codec, options, metrics, events, send, ...told });
  const lastSent = () => codec.decode(sent.at(-1) as Uint8Array);
  return { clock, metrics, records, told, sent, monitor, lastSent };
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

  it("[MSG-12] an answer is a round trip: measured on our own clock, told and counted", () => {
    const { monitor, clock, metrics, told, lastSent } = health();
    monitor.start();
    clock.advance(40);
    monitor.answered(lastSent().id);
    expect(told.onBeat).toHaveBeenCalledExactlyOnceWith({ rttMs: 40 });
    expect(metrics.snapshot().heartbeat).toEqual({ rttLastMs: 40, rttAvgMs: 40, misses: 0 });
  });

  it("a miss is told, counted and logged; the last one that is allowed loses the worker, an answer brings it back", () => {
    const { monitor, clock, metrics, told, records, lastSent } = health();
    monitor.start();
    clock.advance(1600);
    expect(told.onBeat.mock.calls).toEqual([[{ misses: 1 }], [{ misses: 2 }]]);
    expect(told.onLost).toHaveBeenCalledExactlyOnceWith(2);
    expect(metrics.snapshot().heartbeat.misses).toBe(2);
    monitor.answered(lastSent().id);
    expect(told.onRecovered).toHaveBeenCalledOnce();
    const logged = records.map(({ event, details }) => [event, details]);
    expect(logged).toEqual([
      ["heartbeat_missed", { misses: 1 }],
      ["heartbeat_missed", { misses: 2 }],
      ["heartbeat_timeout", undefined],
      ["heartbeat_recovered", undefined],
    ]);
  });
});
