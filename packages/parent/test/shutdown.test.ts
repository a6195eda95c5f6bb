import { createCodec, type ExitDetails } from "@multifrost/protocol";
import { describe, expect, it, vi } from "vitest";
import { createPendingCalls, type PendingCall } from "../src/call/pending-calls.js";
import type { Link } from "../src/link.js";
import { drain, endLink } from "../src/shutdown.js";

const codec = createCodec();
const exit: ExitDetails = { exitCode: 0, signal: null, stderrTail: "", command: "" };

describe("drain", () => {
  it("waits until the calls that were sent have settled", async () => {
    const pending = createPendingCalls(() => {});
    pending.add({ id: "1", sent: true, resolve() {}, reject() {} } as unknown as PendingCall);
    setImmediate(() => pending.settle("1", { ok: true, value: 1 }));
    await drain(pending, 10_000);
    expect(pending.size).toBe(0);
  });

  it("waits no longer than it may", async () => {
    const pending = createPendingCalls(() => {});
    pending.add({ id: "1", sent: true } as unknown as PendingCall);
    await drain(pending, 5);
    expect(pending.size).toBe(1);
  });
});

describe("the end of a link", () => {
  it("[LIFE-2] a process of our own is asked to end; the channel is closed after it, so that its last output arrives", async () => {
    const order: string[] = [];
    const channel = {
      send: (bytes: Uint8Array) => order.push(codec.decode(bytes).type),
      close: async () => void order.push("closed"),
    };
    const exited = new Promise<ExitDetails>((resolve) => {
      setImmediate(() => {
        order.push("exited");
        resolve(exit);
      });
    });
    const kill = vi.fn();
    await endLink({ channel, worker: { exited, kill } } as unknown as Link, codec);
    expect(order).toEqual(["shutdown", "exited", "closed"]);
    expect(kill).not.toHaveBeenCalled();
  });

  it("one that cannot be asked is told by a signal at once", async () => {
    const send = (): never => {
      throw new Error("closed");
    };
    let end: (exit: ExitDetails) => void = () => {};
    const exited = new Promise<ExitDetails>((resolve) => {
      end = resolve;
    });
    const kill = vi.fn(() => end(exit));
    await endLink({ channel: { send, close: async () => {} }, worker: { exited, kill } } as unknown as Link, codec);
    expect(kill.mock.calls).toEqual([["SIGTERM"]]);
  });

  it("a worker that is not ours is not told to end: it has other parents, perhaps", async () => {
    const send = vi.fn();
    const close = vi.fn(async () => {});
    await endLink({ channel: { send, close }, worker: undefined } as unknown as Link, codec);
    expect(send).not.toHaveBeenCalled();
    expect(close).toHaveBeenCalledOnce();
  });
});
