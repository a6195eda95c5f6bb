import { describe, expect, it } from "vitest";
import { WRONG_VALUES } from "../../protocol/test/wrong-values.js";
import { Backoff, CircuitBreaker, HeartbeatMonitor, Metrics, RestartBudget, systemClock } from "../src/index.js";

const clock = systemClock();
const CALLBACKS = ["a function", "a class"];
const COUNTS = ["1", "1e300", "Infinity"];
const DELAYS = ["0", "-0", "1", "0.5"];
const FROM_0 = [...DELAYS, "1e300", "Infinity"];
const ABOVE_0 = ["1", "1e300", "Infinity"];

const heartbeat = { clock, newId: () => "id", send: () => {} };

/** Each class with its options, and which of the wrong values each accepts after all. */
const CLASSES: readonly [string, Readonly<Record<string, readonly string[]>>, (options: object) => unknown][] = [
  [
    "CircuitBreaker",
    { clock: [], failureThreshold: COUNTS, resetTimeoutMs: DELAYS, resetTimeoutMaxMs: DELAYS, onChange: CALLBACKS },
    (options) => new CircuitBreaker({ clock, ...options }),
  ],
  [
    "Metrics",
    { clock: [], circuitState: CALLBACKS, latencyWindowMs: ABOVE_0 },
    (options) => new Metrics({ clock, ...options }),
  ],
  [
    "RestartBudget",
    { clock: [], maxAttempts: ["0", "-0", ...COUNTS], windowMs: FROM_0 },
    (options) => new RestartBudget({ clock, ...options }),
  ],
  ["Backoff", { baseMs: DELAYS, maxMs: DELAYS, random: CALLBACKS }, (options) => new Backoff(options)],
  [
    "HeartbeatMonitor",
    {
      clock: [],
      intervalMs: FROM_0,
      timeoutMs: FROM_0,
      maxMisses: COUNTS,
      stallTimeoutMs: FROM_0,
      newId: CALLBACKS,
      send: CALLBACKS,
      onLost: CALLBACKS,
    },
    (options) => new HeartbeatMonitor({ ...heartbeat, ...options }),
  ],
];

describe.each(CLASSES)("the options of %s", (name, accepted, make) => {
  it.each(Object.keys(accepted))("%s is checked for type and range", (option) => {
    const taken = WRONG_VALUES.filter(([, value]) => {
      try {
        make({ [option]: value });
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: "INVALID_OPTION", message: expect.stringMatching(`^${option} must be `) });
        return false;
      }
    });
    expect(taken.map(([label]) => label).sort()).toEqual([...(accepted[option] ?? [])].sort());
  });

  it("a name that is not known is refused", () => {
    expect(() => make({ clok: clock })).toThrow(`${name} has no option "clok".`);
    expect(() => make({ zzzzzzzz: 1 })).toThrow(`${name} has no option "zzzzzzzz". It has `);
  });
});
