// What follows the end of a link, with a connection that the test plays by hand and time that it moves.

import { createCodec, type ExitDetails } from "@multifrost/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Connection } from "../src/connection.js";
import { createInstruments } from "../src/instruments.js";
import type { LifeConfig, LifeKind } from "../src/life-config.js";
import { createLifeState } from "../src/life-state.js";
import type { Loss } from "../src/link.js";
import { type ParentOptions, resolveOptions } from "../src/options.js";
import { createSupervisor } from "../src/supervise.js";

const exit: ExitDetails = { exitCode: 1, signal: null, stderrTail: "", command: "node worker.mjs" };
const crash: Loss = { kind: "exit", exit };
const broken: Loss = { kind: "connection", endpoint: "hand://made" };

beforeEach(() => {
  vi.useFakeTimers();
  // The whole of each delay, where chance would take a part of it.
  vi.spyOn(Math, "random").mockReturnValue(1);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function supervised(kind: LifeKind, given: ParentOptions, leaving = false) {
  const notify = vi.fn(() => true);
  const config: LifeConfig = {
    name: "math",
    serviceId: undefined,
    codec: createCodec(),
    kind,
    given: { logger: false },
    options: resolveOptions(given),
    notify,
    open: () => Promise.reject(new Error("not here")),
  };
  const instruments = createInstruments(config);
  const state = createLifeState(() => true);
  state.set("running");
  const opened: number[] = [];
  const connection = {
    liveSince: performance.now(),
    live: undefined,
    drop: async () => {},
    sendWaiting: vi.fn(),
    async open() {
      opened.push(performance.now());
      connection.liveSince = performance.now();
      state.set("running");
    },
  };
  const supervisor = createSupervisor({
    config,
    instruments,
    state,
    connection: connection as unknown as Connection,
    signal: new AbortController().signal,
    leaving: () => leaving,
  });
  return { supervisor, state, opened, connection, notify, ...instruments };
}

describe("the end of a link", () => {
  it.each<[LifeKind, boolean, string]>([
    ["spawned", true, "restarting"],
    ["spawned", false, "exited"],
    ["service", false, "reconnecting"],
    ["composed", false, "exited"],
  ])("of kind %s, autoRestart %s: the state is %s", (kind, autoRestart, state) => {
    const life = supervised(kind, { autoRestart });
    life.supervisor.ended(crash);
    expect(life.state.now).toBe(state);
  });

  it("that was asked for is followed by nothing", async () => {
    const life = supervised("spawned", { autoRestart: true }, true);
    life.supervisor.ended(crash);
    life.supervisor.interrupted(broken);
    life.supervisor.resumed();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(life.state.now).toBe("running");
    expect(life.opened).toEqual([]);
    expect(life.connection.sendWaiting).not.toHaveBeenCalled();
  });

  it("delays double from crash to crash, and begin again after a worker was healthy for restartWindow", async () => {
    const options = { autoRestart: true, restartBackoff: 1, restartWindow: 100, maxRestartAttempts: 10 };
    const life = supervised("spawned", options);
    const crashAfter = async (healthyMs: number): Promise<number> => {
      await vi.advanceTimersByTimeAsync(healthyMs);
      const crashedAt = performance.now();
      life.supervisor.ended(crash);
      await vi.advanceTimersByTimeAsync(10_000);
      return (life.opened.at(-1) as number) - crashedAt;
    };
    expect(await crashAfter(0)).toBe(1000);
    expect(await crashAfter(0)).toBe(2000);
    expect(await crashAfter(0)).toBe(4000);
    expect(await crashAfter(0)).toBe(5000);
    expect(await crashAfter(100_000)).toBe(1000);
  });

  it("is one failure; a restart that worked is told and counted", async () => {
    const life = supervised("spawned", { autoRestart: true });
    life.supervisor.ended(crash);
    expect(life.breaker.failures).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(life.notify.mock.calls).toContainEqual(["restart", { exit, pid: undefined }]);
    expect(life.metrics.snapshot().restarts).toBe(1);
  });
});
