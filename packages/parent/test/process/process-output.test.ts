import type { ChildProcess } from "node:child_process";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { ProcessOutput } from "../../src/process/process-output.js";

function output() {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const lines: string[] = [];
  const read = new ProcessOutput({ stdout, stderr } as unknown as ChildProcess, (stream, line) =>
    lines.push(`${stream}: ${line}`),
  );
  const write = async (stream: PassThrough, text: string): Promise<void> => {
    stream.write(text);
    await new Promise(setImmediate);
  };
  return {
    read,
    lines,
    toStdout: (text: string) => write(stdout, text),
    toStderr: (text: string) => write(stderr, text),
  };
}

describe("the output of a process", () => {
  it("comes line by line; an unfinished last line comes at the end", async () => {
    const { read, lines, toStdout, toStderr } = output();
    await toStdout("one\ntw");
    await toStdout("o\nthr");
    await toStderr("oops");
    expect(lines).toEqual(["stdout: one", "stdout: two"]);
    read.end();
    expect(lines).toEqual(["stdout: one", "stdout: two", "stdout: thr", "stderr: oops"]);
  });
});

describe("the tail of a stream", () => {
  it("is empty before anything was written, and has unfinished lines and forwarded ones", async () => {
    const { read, toStderr } = output();
    expect(read.tail("stderr")).toBe("");
    read.note("stderr", "forwarded");
    await toStderr("by the pipe");
    expect(read.tail("stderr")).toBe("forwarded\nby the pipe");
  });

  it("is everything, up to 4 KiB", async () => {
    const { read, toStderr } = output();
    await toStderr("a".repeat(4000));
    await toStderr("b".repeat(96));
    expect(read.tail("stderr")).toBe("a".repeat(4000) + "b".repeat(96));
  });

  it("is the last 4 KiB of more", async () => {
    const { read, toStderr } = output();
    await toStderr("a".repeat(4096));
    await toStderr("the end");
    expect(read.tail("stderr")).toBe(`${"a".repeat(4089)}the end`);
  });

  it("of stdout is kept apart", async () => {
    const { read, toStderr } = output();
    read.note("stdout", "progress 7 %");
    await toStderr("oops");
    expect([read.tail("stdout"), read.tail("stderr")]).toEqual(["progress 7 %", "oops"]);
  });

  it("counts bytes and never begins in the middle of a character", async () => {
    const { read, toStderr } = output();
    await toStderr(`x${"é".repeat(4096)}y`);
    expect(read.tail("stderr")).toMatch(/^é+y$/);
    expect(new TextEncoder().encode(read.tail("stderr")).length).toBe(4095);
  });
});
