import {
  type CallTicket,
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitChange,
} from "@multifrost/reliability";
import { createFakeClock, type FakeClock } from "@multifrost/testing";
import { describe, expect, test } from "vitest";

interface Setup {
  breaker: CircuitBreaker;
  clock: FakeClock;
  changes: CircuitChange[];
}

function setup(options: Partial<CircuitBreakerOptions> = {}): Setup {
  const clock = createFakeClock(1_000_000);
  const changes: CircuitChange[] = [];
  const onChange = (change: CircuitChange): void => void changes.push(change);
  return { breaker: new CircuitBreaker({ clock, onChange, ...options }), clock, changes };
}

function ticketOf(breaker: CircuitBreaker): CallTicket {
  const admission = breaker.admit();
  if (!admission.admitted) {
    throw new Error(`refused until ${admission.retryAt.toISOString()}`);
  }
  return admission;
}

function failTimes(breaker: CircuitBreaker, times: number): void {
  for (let i = 0; i < times; i++) {
    breaker.failure(ticketOf(breaker));
  }
}

const steps = (changes: readonly CircuitChange[]) => changes.map(({ from, to, reason }) => `${from}>${to} ${reason}`);

describe("closed", () => {
  test("opens after five failures in a row by default, not after four", () => {
    const { breaker } = setup();
    failTimes(breaker, 4);
    expect([breaker.state, breaker.failures]).toEqual(["closed", 4]);
    failTimes(breaker, 1);
    expect([breaker.state, breaker.failures]).toEqual(["open", 5]);
  });

  test("a success resets the count", () => {
    const { breaker } = setup({ failureThreshold: 3 });
    failTimes(breaker, 2);
    breaker.success(ticketOf(breaker));
    failTimes(breaker, 2);
    expect(breaker.state).toBe("closed");
  });

  test("an ignored outcome neither counts nor resets the count", () => {
    const { breaker } = setup({ failureThreshold: 2 });
    failTimes(breaker, 1);
    breaker.ignored(ticketOf(breaker));
    expect(breaker.failures).toBe(1);
    failTimes(breaker, 1);
    expect(breaker.state).toBe("open");
  });

  test("close forgets failures, also those of calls under way, without calling onChange", () => {
    const { breaker, changes } = setup({ failureThreshold: 2 });
    const underWay = ticketOf(breaker);
    failTimes(breaker, 1);
    breaker.close("restarted");
    breaker.failure(underWay);
    expect([breaker.failures, breaker.state, changes]).toEqual([0, "closed", []]);
  });

  test("a success of a call from before close does not reset the count", () => {
    const { breaker } = setup({ failureThreshold: 2 });
    const underWay = ticketOf(breaker);
    breaker.close("restarted");
    failTimes(breaker, 1);
    breaker.success(underWay);
    expect(breaker.failures).toBe(1);
  });
});

describe("open", () => {
  test("refuses calls and says when the next trial is due", () => {
    const { breaker, clock } = setup();
    failTimes(breaker, 5);
    clock.advance(400);
    const due = new Date(1_001_000);
    expect(breaker.admit()).toEqual({ admitted: false, retryAt: due });
    expect(breaker.retryAt).toEqual(due);
  });

  test("becomes half-open exactly when the timeout has passed", () => {
    const { breaker, clock } = setup();
    failTimes(breaker, 5);
    clock.advance(999);
    expect([breaker.state, breaker.admit().admitted]).toEqual(["open", false]);
    clock.advance(1);
    expect([breaker.state, breaker.retryAt]).toEqual(["half-open", undefined]);
    expect(breaker.admit()).toEqual({ admitted: true, trial: true });
  });

  test("reading the state changes nothing and does not call onChange", () => {
    const { breaker, clock, changes } = setup({ failureThreshold: 1 });
    failTimes(breaker, 1);
    clock.advance(1000);
    expect(breaker.state).toBe("half-open");
    expect(steps(changes)).toEqual(["closed>open failures"]);
  });

  test("a late success of an earlier call does not close it", () => {
    const { breaker } = setup({ failureThreshold: 1 });
    const late = ticketOf(breaker);
    failTimes(breaker, 1);
    breaker.success(late);
    expect(breaker.state).toBe("open");
  });

  test("late failures of earlier calls do not delay the trial", () => {
    const { breaker, clock } = setup({ failureThreshold: 1 });
    const late = ticketOf(breaker);
    failTimes(breaker, 1);
    clock.advance(999);
    breaker.failure(late);
    clock.advance(1);
    expect(breaker.state).toBe("half-open");
  });

  test("trip has no effect", () => {
    const { breaker, clock, changes } = setup({ failureThreshold: 1 });
    failTimes(breaker, 1);
    clock.advance(500);
    breaker.trip("heartbeat-lost");
    clock.advance(500);
    expect([breaker.state, changes.length]).toEqual(["half-open", 1]);
  });
});

describe("half-open", () => {
  function halfOpen(options: Partial<CircuitBreakerOptions> = {}): Setup & { late: CallTicket } {
    const made = setup({ failureThreshold: 1, ...options });
    const late = ticketOf(made.breaker);
    failTimes(made.breaker, 1);
    made.clock.advance(1000);
    return { ...made, late };
  }

  test("admits one call and refuses the others with retryAt set to now", () => {
    const { breaker } = halfOpen();
    expect(ticketOf(breaker).trial).toBe(true);
    expect(breaker.admit()).toEqual({ admitted: false, retryAt: new Date(1_001_000) });
    expect(breaker.state).toBe("half-open");
  });

  test("the trial's success closes it", () => {
    const { breaker, changes } = halfOpen();
    breaker.success(ticketOf(breaker));
    expect([breaker.state, breaker.failures]).toEqual(["closed", 0]);
    expect(breaker.admit()).toEqual({ admitted: true, trial: false });
    expect(steps(changes)).toEqual([
      "closed>open failures",
      "open>half-open trial-due",
      "half-open>closed trial-succeeded",
    ]);
  });

  test("the trial's failure opens it again for twice as long, up to the maximum", () => {
    const { breaker, clock } = halfOpen({ resetTimeoutMaxMs: 5000 });
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      failTimes(breaker, 1);
      const waitMs = (breaker.retryAt?.getTime() ?? 0) - clock.wallTime();
      waits.push(waitMs);
      clock.advance(waitMs);
      expect(breaker.state).toBe("half-open");
    }
    expect(waits).toEqual([2000, 4000, 5000, 5000]);
  });

  test("the timeout is back to its first value after closing", () => {
    const { breaker, clock } = halfOpen();
    failTimes(breaker, 1);
    clock.advance(2000);
    breaker.success(ticketOf(breaker));
    failTimes(breaker, 1);
    clock.advance(1000);
    expect(breaker.state).toBe("half-open");
  });

  test("an ignored trial lets the next call be the trial", () => {
    const { breaker } = halfOpen();
    breaker.ignored(ticketOf(breaker));
    expect(breaker.state).toBe("half-open");
    expect(ticketOf(breaker).trial).toBe(true);
  });

  test("outcomes of calls from before it opened change nothing", () => {
    const { breaker, late } = halfOpen();
    ticketOf(breaker);
    breaker.success(late);
    breaker.failure(late);
    breaker.ignored(late);
    expect([breaker.state, breaker.admit().admitted]).toEqual(["half-open", false]);
  });

  test("a trial replaced after trip no longer decides anything", () => {
    const { breaker, clock } = halfOpen();
    const first = ticketOf(breaker);
    breaker.trip("heartbeat-lost");
    clock.advance(2000);
    const second = ticketOf(breaker);
    breaker.success(first);
    expect(breaker.state).toBe("half-open");
    breaker.success(second);
    expect(breaker.state).toBe("closed");
  });

  test("a ticket from before it closed does not count against it afterwards", () => {
    const { breaker, late } = halfOpen();
    breaker.success(ticketOf(breaker));
    breaker.failure(late);
    expect([breaker.state, breaker.failures]).toEqual(["closed", 0]);
  });
});

describe("trip and close", () => {
  test("trip opens a closed circuit, and a trial follows as usual", () => {
    const { breaker, clock, changes } = setup();
    breaker.trip("restarts-used-up");
    expect(changes).toEqual([
      { from: "closed", to: "open", reason: "restarts-used-up", failures: 0, retryAt: new Date(1_001_000) },
    ]);
    clock.advance(1000);
    breaker.success(ticketOf(breaker));
    expect(breaker.state).toBe("closed");
  });

  test("trip when a trial is due opens it for twice as long and reports both changes", () => {
    const { breaker, clock, changes } = setup();
    breaker.trip("first");
    clock.advance(1000);
    breaker.trip("second");
    expect(steps(changes)).toEqual(["closed>open first", "open>half-open trial-due", "half-open>open second"]);
    expect(breaker.retryAt).toEqual(new Date(1_003_000));
  });

  test("close closes an open circuit at once and reports the reason", () => {
    const { breaker, changes } = setup();
    breaker.trip("heartbeat-lost");
    breaker.close("heartbeat-recovered");
    expect(ticketOf(breaker).trial).toBe(false);
    expect(changes[1]).toEqual({
      from: "open",
      to: "closed",
      reason: "heartbeat-recovered",
      failures: 0,
      retryAt: undefined,
    });
  });

  test("onChange sees the new state", () => {
    const seen: string[] = [];
    const { breaker } = setup({ failureThreshold: 1, onChange: ({ to }) => seen.push(to, breaker.state) });
    failTimes(breaker, 1);
    breaker.close("by hand");
    expect(seen).toEqual(["open", "open", "closed", "closed"]);
  });
});
