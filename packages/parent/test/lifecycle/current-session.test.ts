import { describe, expect, it } from "vitest";
import type { ParentState } from "../../src/events.js";
import { idleSession, parentParts } from "../support/context.js";

function current() {
  const { current: state, emitted } = parentParts();
  return { state, states: () => emitted.filter(([event]) => event === "state").map(([, ...states]) => states) };
}

describe("the state", () => {
  it("emits every change with the state before it, and no repetition", () => {
    const { state, states } = current();
    state.enter("starting");
    state.enter("running");
    state.enter("running");
    expect(states()).toEqual([
      ["starting", "idle"],
      ["running", "starting"],
    ]);
  });

  it("after stop() goes on to `stopped` and nothing else", () => {
    const { state, states } = current();
    state.enter("stopping");
    state.enter("running");
    expect(state.state).toBe("stopping");
    expect(state.isEnding).toBe(true);
    state.enter("stopped");
    state.enter("exited");
    expect(state.state).toBe("stopped");
    expect(states()).toHaveLength(2);
  });

  it("has changed when it is emitted", () => {
    const { current: state, emitter } = parentParts();
    let seen: string | undefined;
    emitter.on("state", () => {
      seen = state.state;
    });
    state.enter("starting");
    expect(seen).toBe("starting");
  });
});

describe("a call made now", () => {
  it.each<[ParentState, string | undefined]>([
    ["idle", "'add' was not sent: math is not started. Call `await worker.start()` first."],
    ["starting", "'add' was not sent: math is starting. Wait for `await worker.start()` first."],
    ["running", undefined],
    ["restarting", undefined],
    ["reconnecting", undefined],
    ["stopping", "'add' was not sent: math is stopping. stop() was called; create a new worker to go on."],
  ])("in the state %s is refused with: %s", (name, reason) => {
    const { state } = current();
    state.enter(name);
    expect(state.refusalReason("add")?.message).toBe(reason);
  });

  it("to a worker that is gone is refused with how it ended", () => {
    const { state } = current();
    const exit = {
      exitCode: 3,
      signal: null,
      stderrTail: "",
      command: "node worker.mjs",
      stdoutTail: "",
      uptimeMs: 1_200,
      callsInFlight: 0,
      hint: undefined,
    };
    state.giveUp({ kind: "exit", exit });
    expect(state.state).toBe("exited");
    expect(state.refusalReason("add")).toMatchObject({ code: "WORKER_EXITED", exitCode: 3 });
  });

  it("waits while the worker is brought back, and in no other state", () => {
    const { state } = current();
    const waiting: ParentState[] = [];
    for (const name of [
      "starting",
      "running",
      "restarting",
      "reconnecting",
      "exited",
      "stopping",
      "stopped",
    ] as const) {
      state.enter(name);
      if (state.callsWait) {
        waiting.push(state.state);
      }
    }
    expect(waiting).toEqual(["restarting", "reconnecting"]);
  });

  it("waits while the worker of this session is stopping, until the next session or the end", () => {
    const { state } = current();
    state.use(idleSession());
    state.refusesCalls();
    expect([state.callsWait, state.refusalReason("add")]).toEqual([true, undefined]);
    state.use(idleSession());
    expect(state.callsWait).toBe(false);
    state.refusesCalls();
    state.leave("stopping");
    expect([state.callsWait, state.refusalReason("add")]).toMatchObject([false, { code: "NOT_RUNNING" }]);
  });
});

describe("the session in use", () => {
  it("makes the state `running`, and ends a leave", () => {
    const { state } = current();
    const session = idleSession();
    state.leave("restarting");
    expect(state.isLeaving).toBe(true);
    state.use(session);
    expect(state.session).toBe(session);
    expect(state.state).toBe("running");
    expect(state.isLeaving).toBe(false);
    expect(state.release()).toBe(session);
    expect(state.session).toBeUndefined();
  });
});
