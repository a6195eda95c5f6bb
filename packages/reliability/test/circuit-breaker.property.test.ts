import { type CallTicket, CircuitBreaker } from "@multifrost/reliability";
import { createFakeClock, type FakeClock } from "@multifrost/testing";
import fc from "fast-check";
import { expect, test } from "vitest";

type Outcome = "success" | "failure" | "ignored";

type Step =
  | { do: "admit" }
  | { do: "settle"; outcome: Outcome; pick: number }
  | { do: "advance"; ms: number }
  | { do: "trip" }
  | { do: "close" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ do: "admit" }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      outcome: fc.constantFrom<Outcome>("success", "failure", "failure", "ignored"),
      pick: fc.nat(1000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.nat(3000) }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: "trip" }, { do: "close" }) },
);

/** The same rules in a simpler form: the calls under way, with the period each belongs to. */
interface Model {
  period: number;
  state: "closed" | "open" | "half-open";
  failures: number;
  timeoutMs: number;
  dueAt: number;
  trialOut: boolean;
  underWay: { ticket: CallTicket; period: number }[];
}

const THRESHOLD = 3;
const BASE_MS = 1000;
const MAX_MS = 4000;

function enter(model: Model, state: Model["state"], now: number, timeoutMs: number): void {
  const capped = Math.min(timeoutMs, MAX_MS);
  Object.assign(model, { state, timeoutMs: capped, dueAt: now + capped, trialOut: false, failures: 0 });
  model.period += 1;
}

function settle(model: Model, breaker: CircuitBreaker, outcome: Outcome, pick: number, now: number): void {
  const [call] = model.underWay.splice(pick % Math.max(1, model.underWay.length), 1);
  if (call === undefined) {
    return;
  }
  breaker[outcome](call.ticket);
  if (call.period !== model.period) {
    return;
  }
  model.failures = outcome === "failure" ? model.failures + 1 : outcome === "success" ? 0 : model.failures;
  if (model.state === "half-open") {
    model.trialOut = false;
    if (outcome !== "ignored") {
      enter(model, outcome === "success" ? "closed" : "open", now, model.timeoutMs * 2);
    }
  } else if (model.failures >= THRESHOLD) {
    enter(model, "open", now, BASE_MS);
  }
}

function admit(model: Model, breaker: CircuitBreaker): void {
  const admission = breaker.admit();
  const allowed = model.state === "closed" || (model.state === "half-open" && !model.trialOut);
  expect(admission.admitted).toBe(allowed);
  if (admission.admitted) {
    expect(admission.trial).toBe(model.state === "half-open");
    model.trialOut = admission.trial;
    model.underWay.push({ ticket: admission, period: model.period });
  }
}

function run(model: Model, breaker: CircuitBreaker, clock: FakeClock, action: Step): void {
  switch (action.do) {
    case "admit":
      return admit(model, breaker);
    case "settle":
      return settle(model, breaker, action.outcome, action.pick, clock.now());
    case "advance":
      return clock.advance(action.ms);
    case "trip":
      breaker.trip("test");
      if (model.state !== "open") {
        enter(model, "open", clock.now(), model.state === "closed" ? BASE_MS : model.timeoutMs * 2);
      }
      return;
    case "close":
      breaker.close("test");
      return enter(model, "closed", clock.now(), BASE_MS);
    default:
      return action satisfies never;
  }
}

function makePair(): { model: Model; breaker: CircuitBreaker; clock: FakeClock } {
  const clock = createFakeClock();
  const options = { failureThreshold: THRESHOLD, resetTimeoutMs: BASE_MS, resetTimeoutMaxMs: MAX_MS };
  const counts = { period: 0, failures: 0, timeoutMs: BASE_MS, dueAt: 0, trialOut: false };
  return {
    model: { state: "closed", ...counts, underWay: [] },
    breaker: new CircuitBreaker({ clock, ...options }),
    clock,
  };
}

function turnHalfOpenWhereDue(model: Model, now: number): void {
  if (model.state === "open" && now >= model.dueAt) {
    const { timeoutMs } = model;
    enter(model, "half-open", now, timeoutMs);
  }
}

test("matches the model in every sequence: no refusal while closed, never two trials at once", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (actions) => {
      const { model, breaker, clock } = makePair();
      for (const action of actions) {
        run(model, breaker, clock, action);
        turnHalfOpenWhereDue(model, clock.now());
        expect(breaker.state).toBe(model.state);
        if (model.state === "closed") {
          expect(breaker.failures).toBe(model.failures);
        }
      }
    }),
    { seed: 20_260_131, numRuns: 500 },
  );
});

test("admits a call once every earlier call has settled and the longest timeout has passed", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (actions) => {
      const { model, breaker, clock } = makePair();
      for (const action of actions) {
        run(model, breaker, clock, action);
        turnHalfOpenWhereDue(model, clock.now());
      }
      for (const { ticket } of model.underWay) {
        breaker.ignored(ticket);
      }
      clock.advance(MAX_MS);
      expect(breaker.admit().admitted).toBe(true);
    }),
    { seed: 20_260_131, numRuns: 500 },
  );
});
