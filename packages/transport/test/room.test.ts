// Whose turn it is to be read from when all peers of a server together hold too much.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { QueueTotals } from "../src/send-queue.js";
import { ReadTotals } from "../src/zmtp/frame-reader.js";
import { Room } from "../src/zmtp/room.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A room of 1000 bytes, and peers whose memory the test sets. */
function setUp() {
  const reading = new ReadTotals();
  const sending = new QueueTotals();
  const peers = new Map<string, ReturnType<typeof peer>>();
  const room = new Room(1000, peers, reading, sending);
  function peer(name: string) {
    const made = {
      heldUnread: 0,
      heldUnsent: 0,
      readOn: vi.fn(),
      abort: vi.fn(() => {
        made.holds(0, 0);
        peers.delete(name);
        room.remove(made);
      }),
      holds(unread: number, unsent: number) {
        reading.bytes += unread - made.heldUnread;
        sending.heldBytes += unsent - made.heldUnsent;
        made.heldUnread = unread;
        made.heldUnsent = unsent;
      },
    };
    peers.set(name, made);
    return made;
  }
  return { room, peer };
}

describe("a room", () => {
  it("that is not full lets everyone be read", () => {
    const { room, peer } = setUp();
    const one = peer("one");
    one.holds(1000, 0);
    expect(room.mustWait(one)).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that is full lets those be read that hold no more than an equal share", () => {
    const { room, peer } = setUp();
    const [much, little] = [peer("much"), peer("little")];
    much.holds(0, 1001);
    little.holds(500, 0);
    expect(room.mustWait(much)).toBe(true);
    expect(room.mustWait(little)).toBe(false);
  });

  it("calls those back that wait, once they may be read", () => {
    const { room, peer } = setUp();
    const one = peer("one");
    one.holds(0, 1001);
    room.mustWait(one);
    vi.advanceTimersByTime(1000);
    expect(one.readOn).not.toHaveBeenCalled();
    one.holds(0, 900);
    vi.advanceTimersByTime(100);
    expect(one.readOn).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("lets one after the other complete its message, so that they do not wait for each other", () => {
    const { room, peer } = setUp();
    const [one, two] = [peer("one"), peer("two")];
    one.holds(700, 0);
    two.holds(700, 0);
    expect(room.mustWait(one)).toBe(false);
    expect(room.mustWait(two)).toBe(true);
    one.holds(1200, 0);
    expect(room.mustWait(one)).toBe(false);
    one.holds(0, 501);
    expect(room.mustWait(one)).toBe(true);
    vi.advanceTimersByTime(100);
    expect(two.readOn).not.toHaveBeenCalled();
    one.holds(0, 400);
    vi.advanceTimersByTime(100);
    expect(two.readOn).toHaveBeenCalled();
  });

  it("disconnects those that neither read nor complete a message for 10 s while others wait", () => {
    const { room, peer } = setUp();
    const [deaf, begun, slow, waiting] = [peer("deaf"), peer("begun"), peer("slow"), peer("waiting")];
    deaf.holds(0, 900);
    begun.holds(600, 0);
    slow.holds(0, 900);
    waiting.holds(600, 0);
    for (const each of [deaf, begun, slow, waiting]) {
      room.mustWait(each);
    }
    for (let second = 0; second < 21; second++) {
      vi.advanceTimersByTime(1000);
      slow.holds(0, slow.heldUnsent - 1);
    }
    expect([deaf, slow, waiting].map(({ abort }) => abort.mock.calls.length)).toEqual([1, 0, 0]);
  });

  it("leaves a peer alone that waits for itself", () => {
    const { room, peer } = setUp();
    const one = peer("one");
    peer("idle");
    one.holds(0, 1001);
    room.mustWait(one);
    vi.advanceTimersByTime(60_000);
    expect(one.abort).not.toHaveBeenCalled();
    room.remove(one);
    expect(vi.getTimerCount()).toBe(0);
  });
});
