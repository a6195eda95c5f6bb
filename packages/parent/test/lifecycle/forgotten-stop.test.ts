import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { EventLog } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/testing";
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { watchForgottenStop } from "../../src/lifecycle/forgotten-stop.js";
import { guard, unguard } from "../../src/process/exit-guard.js";

const worker = { kill() {} };
const ofWorker = ["ProcessWrap", "PipeWrap", "PipeWrap"];

beforeEach(() => {
  vi.useFakeTimers();
  guard(worker);
});
afterEach(() => {
  unguard(worker);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function watched(handles: string[]) {
  vi.spyOn(process, "getActiveResourcesInfo").mockReturnValue(handles);
  const warn = vi.fn();
  const logger = { info() {}, warn, error() {} };
  const pending = { size: 0 };
  const watch = watchForgottenStop(
    pending,
    false,
    "math",
    new EventLog({ levels: EVENT_LEVELS, clock: createFakeClock(), logger }),
  );
  onTestFinished(() => watch.stop());
  return { warn, pending, watch };
}

it("logs once, when only workers were alive at two looks in a row", () => {
  const { warn } = watched(ofWorker);
  vi.advanceTimersByTime(2000);
  expect(warn).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(warn).toHaveBeenCalledOnce();
  expect(warn.mock.calls[0]?.[0]).toMatchObject({ event: "process_held" });
});

it.each(["Timeout", "TCPServerWrap", "TCPSocketWrap", "FSReqCallback", "GetAddrInfoReqWrap"])(
  "is silent while a %s is alive",
  (handle) => {
    const { warn } = watched([...ofWorker, handle]);
    vi.advanceTimersByTime(60_000);
    expect(warn).not.toHaveBeenCalled();
  },
);

it("is silent while a call waits for its answer", () => {
  const { warn, pending } = watched(ofWorker);
  pending.size = 1;
  vi.advanceTimersByTime(60_000);
  expect(warn).not.toHaveBeenCalled();
});

it("is silent while a call of another parent is pending, and logs when that parent has stopped", () => {
  const { warn } = watched(ofWorker);
  const other = watchForgottenStop(
    { size: 1 },
    false,
    "other",
    new EventLog({ levels: EVENT_LEVELS, clock: createFakeClock(), logger: false }),
  );
  vi.advanceTimersByTime(60_000);
  expect(warn).not.toHaveBeenCalled();
  other.stop();
  vi.advanceTimersByTime(4000);
  expect(warn).toHaveBeenCalledOnce();
});

it("is silent after stop", () => {
  const { warn, watch } = watched(ofWorker);
  vi.advanceTimersByTime(2000);
  watch.stop();
  vi.advanceTimersByTime(60_000);
  expect(warn).not.toHaveBeenCalled();
});
