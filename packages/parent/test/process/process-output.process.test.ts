// What a worker's process prints, by whatever way, and that none of it ever blocks the worker.

import { describe, expect, it, onTestFinished, vi } from "vitest";
import { spawnFixture, startFixture } from "../support/spawned.js";
import { until } from "../support/until.js";

function watchStdout() {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  onTestFinished(() => write.mockRestore());
  return () => write.mock.calls.map(([text]) => String(text)).join("");
}

describe("output", () => {
  it("is printed with the worker's name and the stream while there is no listener", async () => {
    const printed = watchStdout();
    const worker = await startFixture("answers-calls.mjs", { name: "math" });
    await worker.call.print("stdout", "hello");
    await until(() => printed().includes("hello"));
    expect(printed()).toContain("[math STDOUT]: hello\n");

    const lines: string[] = [];
    worker.on("stdout", (line) => lines.push(line));
    await worker.call.print("stdout", "only for you");
    await until(() => lines.length === 1);
    expect(lines).toEqual(["only for you"]);
    expect(printed()).not.toContain("only for you");
  });

  it("[LIFE-5] written before the connection, or outside JavaScript, arrives through the pipes", async () => {
    const worker = spawnFixture("prints-before-start.mjs");
    const lines: string[][] = [];
    worker.on("stdout", (line) => lines.push(["stdout", line]));
    worker.on("stderr", (line) => lines.push(["stderr", line]));
    await worker.start();
    await until(() => lines.length === 2);
    expect(lines).toContainEqual(["stdout", "before start"]);
    expect(lines).toContainEqual(["stderr", "before start, to stderr"]);
  });

  it("[LIFE-5] of 100 MiB through the pipe blocks nothing: every byte is read, the worker answers, memory stays bounded", async () => {
    const worker = await startFixture<{ print(mebibytes: number): string }>("prints-100-mb.mjs");
    let characters = 0;
    worker.on("stdout", (line) => {
      characters += line.length + 1;
    });
    expect(await worker.call.withOptions({ timeout: 60_000 }).print(100)).toBe("printed");
    await until(() => characters === 100 * 1024 * 1024, "all that was printed");
    expect(worker.isHealthy).toBe(true);
  }, 90_000);

  it("to stderr before an exit is in the error's tail, whether forwarded or through the pipe", async () => {
    const worker = await startFixture();
    const lines: string[] = [];
    worker.on("stderr", (line) => lines.push(line));
    await worker.call.print("stderr", "first, as a message");
    await until(() => lines.length === 1);
    const error = await worker.call.exit(1, "last").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ stderrTail: "first, as a message\nlast" });
  });
});
