import type { ConnectionError } from "@multifrost/protocol/errors";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ParentWatch } from "../../src/session/parent-watch.js";

let parentPid = 4711;
let gone: ConnectionError[] = [];
let watch: ParentWatch;

beforeEach(() => {
  vi.useFakeTimers();
  parentPid = 4711;
  vi.spyOn(process, "ppid", "get").mockImplementation(() => parentPid);
  gone = [];
  watch = new ParentWatch({ port: 40_123, path: undefined }, (reason) => void gone.push(reason));
});

afterEach(() => {
  watch.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Watches a parent that has a private socket. */
function watchPrivately(): void {
  watch.stop();
  watch = new ParentWatch({ port: 40_123, path: "/run/parent.sock" }, (reason) => void gone.push(reason));
}

function summary(): unknown[] {
  return gone.map(({ code, message }) => ({ code, message }));
}

const PARENT_GONE = {
  code: "CONNECTION_LOST",
  message: "The parent of this worker, process 4711, is gone: the worker ends.",
};

describe("[LIFE-3] the parent is gone", () => {
  test("when the process has another parent, within half a second, whatever the connection says", () => {
    watch.connectionUp();
    vi.advanceTimersByTime(60_000);
    expect(gone).toEqual([]);
    parentPid = 1;
    vi.advanceTimersByTime(500);
    expect(summary()).toEqual([PARENT_GONE]);
  });

  test("when the connection breaks after a call and stays broken, within 1.5 s", () => {
    watch.connectionUp();
    vi.advanceTimersByTime(10_100);
    watch.connectionDown(true);
    vi.advanceTimersByTime(700);
    expect(gone).toEqual([]);
    vi.advanceTimersByTime(800);
    expect(summary()).toEqual([PARENT_GONE]);
  });

  test("when nothing listens at its private socket, within half a second", () => {
    watchPrivately();
    watch.notListening();
    vi.advanceTimersByTime(400);
    expect(gone).toEqual([]);
    vi.advanceTimersByTime(100);
    const message = "No parent could be reached at port 40123 (COMLINK_ZMQ_PORT) within 0.5 s. ";
    expect(summary()).toEqual([{ code: "UNREACHABLE", message: expect.stringContaining(message) }]);
  });

  test("and is reported once", () => {
    watch.connectionUp();
    watch.connectionDown(true);
    parentPid = 1;
    vi.advanceTimersByTime(60_000);
    expect(gone).toHaveLength(1);
  });
});

describe("the parent lives", () => {
  test("when nothing listens at its port yet: parents of other implementations may be slow to bind", () => {
    watch.notListening();
    vi.advanceTimersByTime(4_500);
    expect(gone).toEqual([]);
  });

  test("when it listens at its private socket after all", () => {
    watchPrivately();
    watch.notListening();
    watch.connectionUp();
    watch.connectionDown(false);
    vi.advanceTimersByTime(4_500);
    expect(gone).toEqual([]);
  });

  test("when it closes connections and has made no call: it may not know yet whose they are", () => {
    watch.connectionUp();
    watch.connectionDown(false);
    vi.advanceTimersByTime(4_500);
    watch.connectionUp();
    watch.connectionDown(false);
    vi.advanceTimersByTime(4_500);
    expect(gone).toEqual([]);
  });

  test("when the connection comes back", () => {
    watch.connectionUp();
    for (let count = 0; count < 20; count++) {
      watch.connectionDown(true);
      vi.advanceTimersByTime(700);
      watch.connectionUp();
      vi.advanceTimersByTime(700);
    }
    expect(gone).toEqual([]);
  });

  test("when a method has blocked the event loop, and with it the event that the connection is back", () => {
    watch.connectionUp();
    watch.connectionDown(true);
    // A blocked loop runs a timer once, however often it was due.
    vi.setSystemTime(Date.now() + 60_000);
    vi.advanceTimersByTime(250);
    watch.connectionUp();
    vi.advanceTimersByTime(60_000);
    expect(gone).toEqual([]);
  });

  test("or is no longer watched", () => {
    watch.connectionUp();
    watch.stop();
    parentPid = 1;
    watch.connectionDown(true);
    vi.advanceTimersByTime(60_000);
    expect(gone).toEqual([]);
  });
});

test("a port without a parent is reported after 5 s, with what to do", () => {
  vi.advanceTimersByTime(4_900);
  expect(gone).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(summary()).toEqual([
    {
      code: "UNREACHABLE",
      message:
        "No parent could be reached at port 40123 (COMLINK_ZMQ_PORT) within 5 s. " +
        "The parent sets it when it spawns a worker; unset it to run this one as a service.",
    },
  ]);
});
