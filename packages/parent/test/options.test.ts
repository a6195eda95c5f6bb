import { describe, expect, it } from "vitest";
import { resolveOptions } from "../src/options.js";

describe("resolveOptions", () => {
  it("fills in the defaults, in milliseconds", () => {
    expect(resolveOptions({})).toEqual({
      defaultTimeoutMs: undefined,
      autoRestart: false,
      maxRestartAttempts: 5,
      heartbeatIntervalMs: 5000,
      heartbeatTimeoutMs: 3000,
      heartbeatMaxMisses: 3,
      stallTimeoutMs: 60_000,
      circuitResetMs: 1000,
      restartBackoffMs: 100,
      restartWindowMs: 30_000,
      stopTimeoutMs: 5000,
      startTimeoutMs: 30_000,
      maxPending: 250_000,
      maxPendingBytes: 67_108_864,
    });
  });

  it("takes heartbeats, the circuit's reset, backoff and window in seconds, the rest in milliseconds", () => {
    const given = {
      defaultTimeout: 1,
      heartbeatInterval: 2,
      heartbeatTimeout: 0.5,
      circuitResetTimeout: 4,
      restartBackoff: 0.2,
      restartWindow: 6,
      stopTimeout: 7,
      startTimeout: 8,
    };
    expect(resolveOptions(given)).toMatchObject({
      defaultTimeoutMs: 1,
      heartbeatIntervalMs: 2000,
      heartbeatTimeoutMs: 500,
      circuitResetMs: 4000,
      restartBackoffMs: 200,
      restartWindowMs: 6000,
      stopTimeoutMs: 7,
      startTimeoutMs: 8,
    });
  });

  it("a service is given less time to answer, unless the user says otherwise", () => {
    expect(resolveOptions({}, 5000).startTimeoutMs).toBe(5000);
    expect(resolveOptions({ startTimeout: 9 }, 5000).startTimeoutMs).toBe(9);
  });
});
