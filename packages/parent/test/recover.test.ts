import { Backoff, RestartBudget } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/reliability/testing";
import { describe, expect, it, vi } from "vitest";
import { recover } from "../src/recover.js";
import { errorOf } from "./support/until.js";

function recovery(attempt: () => Promise<void>, maxAttempts: number | undefined = 3) {
  const clock = createFakeClock();
  const controller = new AbortController();
  const failed = vi.fn();
  const backoff = new Backoff({ baseMs: 1, maxMs: 1 });
  const budget = maxAttempts === 0 ? undefined : new RestartBudget({ clock, maxAttempts });
  const result = recover({ attempt, backoff, budget, signal: controller.signal, failed });
  return { result, failed, backoff, controller };
}

describe("recover", () => {
  it("tries until it works", async () => {
    const attempt = vi.fn(async () => {
      if (attempt.mock.calls.length < 3) {
        throw new Error(`no ${attempt.mock.calls.length}`);
      }
    });
    const { result, failed, backoff } = recovery(attempt);
    expect(await result).toBe(true);
    expect(failed.mock.calls.map(([error]) => error.message)).toEqual(["no 1", "no 2"]);
    expect(backoff.attempts).toBe(3);
  });

  it("gives up when the budget is used up", async () => {
    const attempt = vi.fn(async () => {
      throw new Error("no");
    });
    const { result } = recovery(attempt, 2);
    expect(await result).toBe(false);
    expect(attempt).toHaveBeenCalledTimes(2);
  });

  it("goes on for as long as it takes where there is no budget, and ends with the signal", async () => {
    const { result, controller } = recovery(async () => {
      if (attempts++ === 30) {
        controller.abort(new Error("stopped"));
      }
      throw new Error("no");
    }, 0);
    let attempts = 0;
    expect((await errorOf(result)).message).toBe("stopped");
    expect(attempts).toBe(31);
  });
});
