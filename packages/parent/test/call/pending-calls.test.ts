import { describe, expect, it, vi } from "vitest";
import { createPendingCalls, type PendingCall } from "../../src/call/pending-calls.js";

function pendingCall(id: string, fields: Partial<PendingCall> = {}): PendingCall {
  return {
    id,
    name: "add",
    bytes: new Uint8Array(),
    ticket: { admitted: true, trial: false },
    startedAt: 0,
    correlationId: undefined,
    resolve: vi.fn(),
    reject: vi.fn(),
    sent: true,
    deadline: undefined,
    unlisten: undefined,
    ...fields,
  };
}

describe("pending calls", () => {
  it("[CALL-1] a call settles once: whatever comes later for it is refused", () => {
    const ended = vi.fn();
    const pending = createPendingCalls(ended);
    const call = pendingCall("1");
    pending.add(call);
    expect(pending.settle("1", { ok: true, value: 3 })).toBe(true);
    expect(pending.settle("1", { ok: true, value: 4 })).toBe(false);
    expect(pending.settle("1", { ok: false, error: new Error() })).toBe(false);
    expect(call.resolve).toHaveBeenCalledExactlyOnceWith(3, undefined);
    expect(call.reject).not.toHaveBeenCalled();
    expect(ended).toHaveBeenCalledOnce();
  });

  it("what was told beside the result goes with it", () => {
    const pending = createPendingCalls(() => {});
    const call = pendingCall("1");
    pending.add(call);
    pending.settle("1", { ok: true, value: 3, metadata: { mine: 1 } });
    expect(call.resolve).toHaveBeenCalledExactlyOnceWith(3, { mine: 1 });
  });

  it("an unknown id settles nothing", () => {
    const pending = createPendingCalls(() => {});
    expect(pending.settle("never", { ok: true, value: 1 })).toBe(false);
  });

  it("at its end its timer is cancelled and its listener taken off", () => {
    const pending = createPendingCalls(() => {});
    const deadline = { cancel: vi.fn() };
    const unlisten = vi.fn();
    pending.add(pendingCall("1", { deadline, unlisten }));
    pending.settle("1", { ok: false, error: new Error("x") });
    expect(deadline.cancel).toHaveBeenCalledOnce();
    expect(unlisten).toHaveBeenCalledOnce();
  });

  it("its end is told before its promise settles", () => {
    const order: string[] = [];
    const pending = createPendingCalls(() => order.push("ended"));
    pending.add(pendingCall("1", { resolve: () => order.push("resolved") }));
    pending.settle("1", { ok: true, value: 1 });
    expect(order).toEqual(["ended", "resolved"]);
  });

  it("rejectAll gives each call that is picked an error of its own, in the order they were made", () => {
    const pending = createPendingCalls(() => {});
    const calls = [pendingCall("1"), pendingCall("2", { sent: false }), pendingCall("3")];
    calls.forEach(pending.add);
    pending.rejectAll(
      ({ id }) => new Error(`lost ${id}`),
      ({ sent }) => sent,
    );
    expect(calls[0]?.reject).toHaveBeenCalledWith(new Error("lost 1"));
    expect(calls[1]?.reject).not.toHaveBeenCalled();
    expect(calls[2]?.reject).toHaveBeenCalledWith(new Error("lost 3"));
    expect(pending.unsent()).toEqual([calls[1]]);
  });

  it("allAnswered() resolves when the last call that was sent has settled, and at once where there is none", async () => {
    const pending = createPendingCalls(() => {});
    await pending.allAnswered();
    pending.add(pendingCall("1"));
    pending.add(pendingCall("2"));
    pending.add(pendingCall("waits", { sent: false }));
    const answered = vi.fn();
    const waiting = pending.allAnswered().then(answered);
    pending.settle("1", { ok: true, value: 1 });
    await Promise.resolve();
    expect(answered).not.toHaveBeenCalled();
    pending.settle("2", { ok: true, value: 1 });
    await waiting;
    expect(pending.unsent().map(({ id }) => id)).toEqual(["waits"]);
    await pending.allAnswered();
  });
});
