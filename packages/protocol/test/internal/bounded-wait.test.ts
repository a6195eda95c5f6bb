import { describe, expect, it, vi } from "vitest";
import { orAborted, pause, withLimit } from "../../src/internal/bounded-wait.js";

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("It should have been rejected.");
}

const never = new Promise<never>(() => {});

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

describe("withLimit", () => {
  it("settles as the work does if that is first", async () => {
    expect(await withLimit(Promise.resolve(1), 1000, () => 2)).toBe(1);
    const error = new Error("no");
    expect(await errorOf(withLimit(Promise.reject(error), 1000, () => 2))).toBe(error);
  });

  it("settles as `late` returns or throws if the time is up first", async () => {
    expect(await withLimit(never, 1, () => 2)).toBe(2);
    const late = (): never => {
      throw new Error("too late");
    };
    expect((await errorOf(withLimit(never, 1, late))).message).toBe("too late");
  });

  it("rejects with the signal's reason if that fires first", async () => {
    const controller = new AbortController();
    const waiting = withLimit(never, 10_000, () => 2, controller.signal);
    controller.abort(new Error("enough"));
    expect((await errorOf(waiting)).message).toBe("enough");
  });

  it("leaves no timer behind", async () => {
    const before = timers();
    await withLimit(Promise.resolve(), 10_000, () => {});
    await errorOf(withLimit(Promise.reject(new Error()), 10_000, () => {}));
    await errorOf(withLimit(never, 10_000, () => {}, AbortSignal.abort()));
    expect(timers()).toBe(before);
  });

  it("accepts limits longer than a timer can wait, and Infinity", async () => {
    const warned = vi.fn();
    process.once("warning", warned);
    const late = vi.fn();
    // Longer than the millisecond that Node makes of a limit it cannot take.
    const work = new Promise((resolve) => setTimeout(resolve, 5, "done"));
    expect(await withLimit(work, Number.POSITIVE_INFINITY, late)).toBe("done");
    expect(late).not.toHaveBeenCalled();
    process.off("warning", warned);
    expect(warned).not.toHaveBeenCalled();
  });
});

describe("orAborted", () => {
  it("rejects at once with the reason of a signal that has fired before", async () => {
    const reason = new Error("before");
    expect(await errorOf(orAborted(never, AbortSignal.abort(reason)))).toBe(reason);
  });

  it("removes its listener from the signal", async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    await orAborted(Promise.resolve(), signal);
    expect(removed.mock.calls).toEqual(added.mock.calls);
    expect(added).toHaveBeenCalledOnce();
  });
});

describe("pause", () => {
  it("resolves after the time, and rejects when the signal fires", async () => {
    const controller = new AbortController();
    await pause(1, controller.signal);
    const pausing = pause(10_000, controller.signal);
    controller.abort(new Error("go on"));
    expect((await errorOf(pausing)).message).toBe("go on");
  });
});
