import { expect, it } from "vitest";
import { createLifeState } from "../src/life-state.js";

function stateAndTold() {
  const told: unknown[] = [];
  const state = createLifeState((event, ...args) => told.push([event, ...args]) > 0);
  return { state, told };
}

it("every change is told with the state before it, a repetition is not", () => {
  const { state, told } = stateAndTold();
  state.set("starting");
  state.set("running");
  state.set("running");
  expect(told).toEqual([
    ["state", "starting", "idle"],
    ["state", "running", "starting"],
  ]);
});

it("after stop() only `stopped` follows, and nothing after that", () => {
  const { state, told } = stateAndTold();
  state.set("stopping");
  state.set("running");
  expect(state.now).toBe("stopping");
  expect(state.ending).toBe(true);
  state.set("stopped");
  state.set("exited");
  expect(state.now).toBe("stopped");
  expect(told).toHaveLength(2);
});

it("whoever wants to know is told each time that it runs, after everybody else", () => {
  const told: unknown[] = [];
  const state = createLifeState(
    (_event, ...args) => told.push(args[0]) > 0,
    () => told.push("it runs"),
  );
  for (const next of ["starting", "running", "reconnecting", "running", "running", "stopping", "running"] as const) {
    state.set(next);
  }
  expect(told).toEqual(["starting", "running", "it runs", "reconnecting", "running", "it runs", "stopping"]);
});

it("is changed already when it is told", () => {
  let seen: string | undefined;
  const state = createLifeState(() => {
    seen = state.now;
    return true;
  });
  state.set("starting");
  expect(seen).toBe("starting");
});
