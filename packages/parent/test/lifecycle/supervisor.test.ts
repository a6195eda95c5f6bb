// What follows when a session breaks or ends, with sessions that the test plays by hand and time that it moves.

import { createError, createResponse } from "@multifrost/protocol";
import type { ExitDetails } from "@multifrost/protocol/errors";
import { ConnectionError, SpawnError, type WorkerFailedError } from "@multifrost/protocol/errors";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Loss } from "../../src/errors.js";
import { Supervisor } from "../../src/lifecycle/supervisor.js";
import type { ParentOptions } from "../../src/options.js";
import { Session } from "../../src/session/session.js";
import type { ConnectMode } from "../../src/session/types.js";
import { idleSession, parentParts } from "../support/context.js";
import { errorOf } from "../support/until.js";

const exit: ExitDetails = {
  exitCode: 1,
  signal: null,
  stderrTail: "",
  command: "node worker.mjs",
  stdoutTail: "",
  uptimeMs: 1_200,
  callsInFlight: 0,
  hint: undefined,
};
const crash: Loss = { kind: "exit", exit };
const broken: Loss = { kind: "connection", endpoint: "hand://made" };

const modes = {
  spawned: { kind: "spawned", name: "math", scriptPath: "x", executable: undefined, options: {} },
  service: {
    kind: "service",
    name: "math",
    serviceId: "math",
    registry: {} as never,
    host: undefined,
    transport: undefined,
  },
  composed: { kind: "composed", name: "math", transport: {} as never },
} satisfies Record<string, ConnectMode>;

beforeEach(() => {
  vi.useFakeTimers();
  // The whole of each delay, where chance would take a part of it.
  vi.spyOn(Math, "random").mockReturnValue(1);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A supervisor whose attempts to open a session end as `attempt` does. */
async function supervised(
  kind: keyof typeof modes,
  given: ParentOptions = {},
  attempt: (count: number) => Promise<void> = async () => {},
) {
  const parts = parentParts({ logger: false, ...given }, modes[kind]);
  const controller = new AbortController();
  const onReady = vi.fn();
  const openedAt: number[] = [];
  const sessions: ReturnType<typeof idleSession>[] = [];
  vi.spyOn(Session, "open").mockImplementation(async (_context, _calls, events) => {
    openedAt.push(performance.now());
    await attempt(openedAt.length);
    const session = idleSession();
    sessions.push(session);
    events.opened(session);
  });
  const supervisor = new Supervisor(parts.context, parts.current, parts.calls, onReady, controller.signal);
  return { ...parts, supervisor, controller, onReady, openedAt, sessions };
}

describe("opening a session", () => {
  it("makes the state `running`, closes the circuit, sends the calls that waited, then calls onReady", async () => {
    const life = await supervised("composed");
    life.telemetry.breaker.trip("x");
    life.current.enter("reconnecting");
    const refused = await errorOf(life.calls.call("early", [], {}));
    expect(refused).toMatchObject({ code: "CIRCUIT_OPEN" });
    life.telemetry.breaker.close("x");
    life.calls.call("waits", [], {}).catch(() => {});
    life.telemetry.breaker.trip("x");
    const order: string[] = [];
    life.onReady.mockImplementation(() => order.push(`ready, sent ${life.sessions[0]?.send.mock.calls.length}`));
    await life.supervisor.open();
    expect(life.current.state).toBe("running");
    expect(life.telemetry.breaker.state).toBe("closed");
    expect(order).toEqual(["ready, sent 1"]);
    await life.supervisor.close();
  });

  it("settled() waits for an attempt and never rejects; a failed one changes nothing", async () => {
    const error = new ConnectionError("UNREACHABLE", "no");
    const life = await supervised("composed", {}, () => Promise.reject(error));
    const opening = errorOf(life.supervisor.open());
    await life.supervisor.settled();
    expect(await opening).toBe(error);
    expect(life.current.session).toBeUndefined();
    expect(life.current.state).toBe("idle");
  });

  it("close() waits for every session there was, also one that is being closed already", async () => {
    const life = await supervised("composed");
    await life.supervisor.open();
    let finish = (): void => {};
    life.sessions[0]?.close.mockImplementation(() => new Promise((resolve) => (finish = resolve)));
    const order: string[] = [];
    const first = life.supervisor.close().then(() => order.push("first"));
    const second = life.supervisor.close().then(() => order.push("second"));
    expect(life.current.session).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(order).toEqual([]);
    finish();
    await Promise.all([first, second]);
    expect(order).toEqual(["first", "second"]);
  });
});

describe("replacing a session", () => {
  it("one that ends as soon as it is in use is brought back", async () => {
    const life = await supervised("spawned", { autoRestart: true });
    await life.supervisor.open();
    const replacing = life.supervisor.replace();
    await vi.waitUntil(() => life.sessions.length === 2, { interval: 0 });
    life.supervisor.ended(crash, life.sessions[1]!);
    await replacing;
    expect(life.current.state).toBe("restarting");
    await vi.advanceTimersByTimeAsync(100);
    expect(life.current.state).toBe("running");
    expect(life.sessions).toHaveLength(3);
  });

  it("a call that the one before refuses, as it is stopping, goes to the one in use at once", async () => {
    const life = await supervised("service");
    await life.supervisor.open();
    const call = life.calls.call("add", [], {});
    const [sent] = life.sessions[0]!.send.mock.calls[0]!;
    const replacing = life.supervisor.replace();
    await vi.waitUntil(() => life.sessions.length === 2, { interval: 0 });
    const { id } = life.context.codec.decode(sent);
    life.calls.rejectRemote(
      createError(id, { name: "RefusedCall", message: "This worker is stopping", code: "STOPPING" }),
    );
    expect(life.sessions[1]!.send).toHaveBeenCalledExactlyOnceWith(sent, undefined);
    life.calls.resolve(createResponse(id, 3), 0);
    expect(await call).toBe(3);
    await replacing;
  });
});

describe("the end of a session", () => {
  it.each([
    ["spawned", true, "restarting"],
    ["spawned", false, "exited"],
    ["service", false, "reconnecting"],
    ["composed", false, "exited"],
  ] as const)("of a %s worker, autoRestart %s: the state is %s", async (kind, autoRestart, state) => {
    const life = await supervised(kind, { autoRestart });
    await life.supervisor.open();
    life.supervisor.ended(crash, life.sessions.at(-1)!);
    expect(life.current.state).toBe(state);
    life.controller.abort(new Error("test over"));
  });

  it("that was asked for is followed by nothing", async () => {
    const life = await supervised("spawned", { autoRestart: true });
    await life.supervisor.open();
    life.current.leave("restarting");
    life.supervisor.interrupted(broken, life.sessions.at(-1)!);
    life.supervisor.resumed(life.sessions.at(-1)!);
    life.supervisor.ended(crash, life.sessions.at(-1)!);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(life.current.state).toBe("restarting");
    expect(life.openedAt).toHaveLength(1);
    expect(life.onReady).toHaveBeenCalledOnce();
  });

  it("rejects the calls in flight, each with its own error, and keeps those that wait", async () => {
    const life = await supervised("spawned", { autoRestart: true });
    await life.supervisor.open();
    const sent = errorOf(life.calls.call("add", [], {}));
    life.supervisor.ended(crash, life.sessions.at(-1)!);
    life.calls.call("later", [], {}).catch(() => {});
    expect(await sent).toMatchObject({ code: "WORKER_EXITED", functionName: "add" });
    expect(life.calls.size).toBe(1);
    life.controller.abort(new Error("test over"));
  });

  it("is followed by delays that double from crash to crash, and begin again after restartWindow", async () => {
    const options = { autoRestart: true, restartBackoff: 1, restartWindow: 100, maxRestartAttempts: 10 };
    const life = await supervised("spawned", options);
    await life.supervisor.open();
    const crashAfter = async (healthyMs: number): Promise<number> => {
      await vi.advanceTimersByTimeAsync(healthyMs);
      const crashedAt = performance.now();
      life.supervisor.ended(crash, life.sessions.at(-1)!);
      await vi.advanceTimersByTimeAsync(10_000);
      return (life.openedAt.at(-1) ?? 0) - crashedAt;
    };
    expect(await crashAfter(0)).toBe(1000);
    expect(await crashAfter(0)).toBe(2000);
    expect(await crashAfter(0)).toBe(4000);
    expect(await crashAfter(0)).toBe(5000);
    expect(await crashAfter(100_000)).toBe(1000);
  });

  it("of a service that had answered is followed by the shortest delay again; one that only connected is not", async () => {
    const life = await supervised("service", { restartBackoff: 1 }, async () => {});
    await life.supervisor.open();
    const lose = async (isProven: boolean): Promise<number> => {
      Object.assign(life.sessions.at(-1) ?? {}, { isProven });
      const lostAt = performance.now();
      life.supervisor.ended(broken, life.sessions.at(-1)!);
      await vi.advanceTimersByTimeAsync(10_000);
      return (life.openedAt.at(-1) ?? 0) - lostAt;
    };
    expect(await lose(false)).toBe(1000);
    expect(await lose(false)).toBe(2000);
    expect(await lose(true)).toBe(1000);
    expect(await lose(true)).toBe(1000);
  });

  it("is one failure; a restart that worked is emitted and counted", async () => {
    const life = await supervised("spawned", { autoRestart: true });
    await life.supervisor.open();
    life.supervisor.ended(crash, life.sessions.at(-1)!);
    expect(life.telemetry.breaker.failures).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(life.emitted).toContainEqual(["restart", { exit, pid: undefined }]);
    expect(life.telemetry.metrics.snapshot().restarts).toBe(1);
  });

  it("restarts until it works; each failed attempt is logged", async () => {
    const life = await supervised("spawned", { autoRestart: true }, async (count) => {
      if (count === 2 || count === 3) {
        throw new Error(`no ${count}`);
      }
    });
    await life.supervisor.open();
    life.supervisor.ended(crash, life.sessions.at(-1)!);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(life.openedAt).toHaveLength(4);
    expect(life.current.state).toBe("running");
  });

  it("gives up when the restarts are used up: calls that wait reject with how the last attempt ended", async () => {
    const last = new SpawnError("EXITED_EARLY", "x", { ...exit, exitCode: 9 });
    const options = { autoRestart: true, maxRestartAttempts: 3 };
    const life = await supervised("spawned", options, (count) =>
      count === 1 ? Promise.resolve() : Promise.reject(last),
    );
    await life.supervisor.open();
    life.supervisor.ended(crash, life.sessions.at(-1)!);
    const waiting = errorOf(life.calls.call("add", [], {}));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(life.openedAt).toHaveLength(4);
    expect(life.current.state).toBe("failed");
    expect(life.telemetry.breaker.state).not.toBe("closed");
    const { exits, ...error } = (await waiting) as WorkerFailedError;
    expect(error).toMatchObject({ code: "WORKER_FAILED", exitCode: 9 });
    expect(exits.map(({ exitCode }) => exitCode)).toEqual([1, 9, 9, 9]);
  });

  it("of a service is followed by attempts for as long as it takes, until stop()", async () => {
    const life = await supervised("service", { maxRestartAttempts: 1 }, async (count) => {
      if (count > 1) {
        throw new Error("not yet");
      }
    });
    await life.supervisor.open();
    life.supervisor.ended(broken, life.sessions.at(-1)!);
    await vi.advanceTimersByTimeAsync(120_000);
    const attempts = life.openedAt.length;
    expect(attempts).toBeGreaterThan(20);
    expect(life.current.state).toBe("reconnecting");
    life.controller.abort(new Error("stopped"));
    await vi.advanceTimersByTimeAsync(120_000);
    expect(life.openedAt).toHaveLength(attempts);
  });
});

describe("an interruption", () => {
  it("rejects calls in flight and lets new ones wait until the connection is back", async () => {
    const life = await supervised("composed");
    await life.supervisor.open();
    const sent = errorOf(life.calls.call("add", [], {}));
    life.supervisor.interrupted(broken, life.sessions.at(-1)!);
    expect(life.current.state).toBe("reconnecting");
    expect(await sent).toMatchObject({ code: "CONNECTION_LOST", endpoint: "hand://made" });
    life.calls.call("later", [], {}).catch(() => {});
    expect(life.sessions[0]?.send).toHaveBeenCalledOnce();
    life.supervisor.resumed(life.sessions.at(-1)!);
    expect(life.current.state).toBe("running");
    expect(life.sessions[0]?.send).toHaveBeenCalledTimes(2);
    expect(life.onReady).toHaveBeenCalledTimes(2);
    await life.supervisor.close();
  });
});
