import { MultifrostError } from "@multifrost/protocol/errors";
import { jsonLinesLogger, type LogRecord, prettyLogger } from "@multifrost/reliability";
import { describe, expect, test } from "vitest";

const record: LogRecord = {
  event: "request_error",
  timestamp: 1_700_000_000_000,
  message: "add failed",
  workerId: "w1",
  serviceId: undefined,
  durationMs: 1.5,
};

function written(write: (logLine: (line: string) => void) => void): string[] {
  const lines: string[] = [];
  write((line) => lines.push(line));
  return lines;
}

const jsonOf = (fields: Partial<LogRecord>): Record<string, unknown> => {
  const [line = ""] = written((write) => jsonLinesLogger({ write }).warn({ ...record, ...fields }, "ignored"));
  return JSON.parse(line) as Record<string, unknown>;
};

const prettyOf = (fields: Partial<LogRecord>): string =>
  written((write) => prettyLogger({ write }).error({ ...record, ...fields }, "ignored")).join("");

describe("levels", () => {
  test.each([jsonLinesLogger, prettyLogger])("%o writes from info on by default", (create) => {
    const lines = written((write) => {
      const logger = create({ write });
      for (const level of ["debug", "info", "warn", "error"] as const) {
        logger[level](record, "");
        expect(logger.isLevelEnabled(level)).toBe(level !== "debug");
      }
    });
    expect(lines).toHaveLength(3);
  });

  test("the lowest level can be chosen", () => {
    const lines = written((write) => {
      const [all, few] = [prettyLogger({ write, level: "debug" }), prettyLogger({ write, level: "error" })];
      all.debug(record, "");
      few.warn(record, "");
      few.error(record, "");
    });
    expect(lines.map((line) => line.split(" ")[1])).toEqual(["DEBUG", "ERROR"]);
  });
});

describe("JSON lines", () => {
  test("one object per line, with time, level and event first", () => {
    const lines = written((write) => jsonLinesLogger({ write }).warn(record, "ignored"));
    expect(lines).toEqual([
      '{"time":"2023-11-14T22:13:20.000Z","level":"warn","event":"request_error","message":"add failed",' +
        '"workerId":"w1","durationMs":1.5}\n',
    ]);
  });

  test("an error is written with its name, message, stack, fields and cause", () => {
    const err = new MultifrostError("WORKER_EXITED", "gone", { cause: new RangeError("why") });
    expect(jsonOf({ err })).toMatchObject({
      err: {
        name: "MultifrostError",
        code: "WORKER_EXITED",
        message: "gone",
        stack: expect.stringContaining("line-loggers.test"),
        cause: { name: "RangeError", message: "why" },
      },
    });
  });

  test("line ends and bigints in values do not break the line", () => {
    expect(jsonOf({ message: "a\nb", details: { big: 2n ** 64n } })).toMatchObject({
      message: "a\nb",
      details: { big: "18446744073709551616" },
    });
  });

  test("a record that JSON cannot express is written without its fields", () => {
    const details: Record<string, unknown> = {};
    details.itself = details;
    expect(jsonOf({ details })).toEqual({
      time: "2023-11-14T22:13:20.000Z",
      level: "warn",
      event: "request_error",
      message: "add failed",
      unwritable: true,
    });
  });
});

describe("pretty lines", () => {
  test("time, level, event, sentence, then the fields as key=value", () => {
    expect(prettyOf({ details: { misses: 2, name: "math worker" } })).toBe(
      "2023-11-14T22:13:20.000Z ERROR request_error add failed " +
        'workerId=w1 durationMs=1.5 misses=2 name="math worker"\n',
    );
  });

  test("an error is written as name and message, without its stack", () => {
    expect(prettyOf({ err: new RangeError("too big"), durationMs: undefined })).toBe(
      '2023-11-14T22:13:20.000Z ERROR request_error add failed workerId=w1 err="RangeError: too big"\n',
    );
  });

  test("text from a worker can neither start a new line nor control the terminal", () => {
    const line = prettyOf({ message: "a\r\nb\u001b[31mred", details: { output: "x\ny\u001b[2J", cycle: cyclic() } });
    expect(line.trimEnd()).toBe(
      "2023-11-14T22:13:20.000Z ERROR request_error a b [31mred " +
        'workerId=w1 durationMs=1.5 output="x\\ny\\u001b[2J" cycle=unwritable',
    );
  });
});

function cyclic(): unknown[] {
  const list: unknown[] = [];
  list.push(list);
  return list;
}
