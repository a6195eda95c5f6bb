import { describe, expect, it } from "vitest";
import { checkSignal, checkTimeout, type ParentOptions, resolveOptions } from "../src/options.js";

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

  it.each<[keyof ParentOptions, unknown, string]>([
    ["defaultTimeout", 0, "defaultTimeout must be a number of milliseconds above 0; leave it out for no limit, not 0."],
    [
      "defaultTimeout",
      "5",
      "defaultTimeout must be a number of milliseconds above 0; leave it out for no limit, not 5.",
    ],
    ["startTimeout", -1, "startTimeout must be a number of milliseconds above 0; leave it out for no limit, not -1."],
    ["heartbeatTimeout", 0, "heartbeatTimeout must be a number of seconds above 0, not 0."],
    ["heartbeatInterval", -1, "heartbeatInterval must be a number of at least 0, not -1."],
    ["heartbeatMaxMisses", 0, "heartbeatMaxMisses must be a number of at least 1, not 0."],
    ["stallTimeout", -1, "stallTimeout must be a number of at least 0, not -1."],
    ["maxRestartAttempts", Number.NaN, "maxRestartAttempts must be a number of at least 1, not NaN."],
    ["circuitResetTimeout", Number.NaN, "circuitResetTimeout must be a number of at least 0, not NaN."],
    ["restartBackoff", -0.1, "restartBackoff must be a number of at least 0, not -0.1."],
    ["restartWindow", "30", "restartWindow must be a number of at least 0, not 30."],
    ["stopTimeout", -1, "stopTimeout must be a number of at least 0, not -1."],
    ["maxPending", 0, "maxPending must be a number of at least 1, not 0."],
  ])("refuses %s = %s with INVALID_OPTION", (name, value, message) => {
    const options = { [name]: value } as ParentOptions;
    expect(() => resolveOptions(options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", message }));
  });
});

describe("a call's options", () => {
  it("a timeout is a number of milliseconds above 0, Infinity included", () => {
    expect(checkTimeout("timeout", 0.5)).toBe(0.5);
    expect(checkTimeout("timeout", Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    for (const value of [0, -1, Number.NaN, "5", null]) {
      expect(() => checkTimeout("timeout", value as number)).toThrow(
        `timeout must be a number of milliseconds above 0; leave it out for no limit, not ${value}.`,
      );
    }
  });

  it("a signal is an AbortSignal", () => {
    expect(() => checkSignal(new AbortController().signal)).not.toThrow();
    expect(() => checkSignal({ aborted: false } as AbortSignal)).not.toThrow();
    const controller = new AbortController() as unknown as AbortSignal;
    expect(() => checkSignal(controller)).toThrow(
      "signal must be an AbortSignal, such as new AbortController().signal, not [object AbortController].",
    );
  });
});
