import { Console } from "node:console";
import { PassThrough } from "node:stream";
import { expect, test, vi } from "vitest";
import { routeConsole } from "../../src/output/console-route.js";

/** A console that writes somewhere else, as those of Bun and Deno do. */
function consoleElsewhere() {
  const elsewhere = new PassThrough();
  return { target: new Console(elsewhere), written: () => String(elsewhere.read() ?? "") };
}

test("a console that writes past the process's streams writes to them until that is undone", () => {
  const { target, written } = consoleElsewhere();
  const stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    const undo = routeConsole(target, true);
    target.log("to %s", "stdout");
    target.warn("to stderr");
    undo();
    target.log("elsewhere");
    expect(stdout.mock.calls.map(([text]) => text)).toEqual(["to stdout\n"]);
    expect(stderr.mock.calls.map(([text]) => text)).toEqual(["to stderr\n"]);
    expect(written()).toBe("elsewhere\n");
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
});

test("undoing leaves what another one has put there since", () => {
  const { target } = consoleElsewhere();
  const undo = routeConsole(target, true);
  const log = vi.fn();
  target.log = log;
  undo();
  expect(target.log).toBe(log);
});

test("Node's console is left as it is", () => {
  const { log } = console;
  routeConsole();
  expect(console.log).toBe(log);
});
