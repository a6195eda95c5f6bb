import { expect, it } from "vitest";
import { callsWait, type ParentState } from "../src/state.js";

it("calls wait while the worker is being brought back, and in no other state", () => {
  const states: Record<ParentState, boolean> = {
    idle: false,
    starting: false,
    running: false,
    restarting: true,
    reconnecting: true,
    exited: false,
    stopping: false,
    stopped: false,
  };
  for (const [state, waits] of Object.entries(states)) {
    expect(callsWait(state as ParentState), state).toBe(waits);
  }
});
