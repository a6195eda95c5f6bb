import { type CircuitChange, MethodCircuits } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/testing";
import { expect, test } from "vitest";

function setup(failureThreshold = 3) {
  const clock = createFakeClock();
  const changes: string[] = [];
  const onChange = ({ from, to }: CircuitChange, method: string) => void changes.push(`${method}: ${from} → ${to}`);
  const circuits = new MethodCircuits({ clock, failureThreshold, onChange });
  const fails = (method: string, times = 1): void => {
    for (let count = 0; count < times; count += 1) {
      circuits.failure(method, circuits.admit(method));
    }
  };
  return { clock, changes, circuits, fails };
}

test("a method that keeps failing is refused, and the others are not", () => {
  const { changes, circuits, fails } = setup();
  fails("parse", 3);
  expect(circuits.admit("parse")).toMatchObject({ admitted: false });
  expect(circuits.admit("add")).toBeUndefined();
  expect(changes).toEqual(["parse: closed → open"]);
});

test("a success in between resets the count, and leaves nothing behind", () => {
  const { circuits, fails } = setup();
  fails("parse", 2);
  circuits.success("parse", circuits.admit("parse"));
  expect(circuits.size).toBe(0);
  fails("parse", 2);
  expect(circuits.admit("parse")).toMatchObject({ admitted: true });
});

test("one trial goes out when it is due; its success closes the circuit, its failure opens it for twice as long", () => {
  const { clock, changes, circuits, fails } = setup();
  fails("parse", 3);
  clock.advance(1000);
  const trial = circuits.admit("parse");
  expect(trial).toMatchObject({ admitted: true, trial: true });
  expect(circuits.admit("parse")).toMatchObject({ admitted: false });
  circuits.failure("parse", trial);
  clock.advance(1000);
  expect(circuits.admit("parse")).toMatchObject({ admitted: false });
  clock.advance(1000);
  circuits.success("parse", circuits.admit("parse"));
  expect(circuits.size).toBe(0);
  expect(changes.at(-1)).toBe("parse: half-open → closed");
});

test("a trial whose outcome says nothing leaves the trial to the next call", () => {
  const { clock, circuits, fails } = setup();
  fails("parse", 3);
  clock.advance(1000);
  circuits.ignored("parse", circuits.admit("parse"));
  expect(circuits.admit("parse")).toMatchObject({ admitted: true, trial: true });
});

test("calls that were made before the method began to fail count while the circuit is closed, and no longer", () => {
  const { clock, circuits, fails } = setup();
  const early = Array.from({ length: 4 }, () => circuits.admit("parse"));
  circuits.failure("parse", early[0]);
  circuits.success("parse", early[1]);
  expect(circuits.size).toBe(0);
  fails("parse", 3);
  clock.advance(1000);
  circuits.failure("parse", early[2]);
  circuits.success("parse", early[3]);
  expect(circuits.admit("parse")).toMatchObject({ admitted: true, trial: true });
});

test("close forgets every failure and reports the circuits that were open", () => {
  const { changes, circuits, fails } = setup();
  fails("parse", 3);
  fails("read", 1);
  circuits.close("worker is back");
  expect(circuits.size).toBe(0);
  expect(circuits.admit("parse")).toBeUndefined();
  expect(changes).toEqual(["parse: closed → open", "parse: open → closed"]);
});

test("however many methods fail, at most 1000 are remembered", () => {
  const { circuits, fails } = setup();
  for (let index = 0; index < 2000; index += 1) {
    fails(`method${index}`);
  }
  expect(circuits.size).toBe(1000);
});
