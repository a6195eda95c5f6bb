// With 0 to 10 file descriptors left every failure is a typed error, nothing aborts, and all is well once there are some again.

import { execFile } from "node:child_process";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { atEnd, ECHO_SCRIPT, service } from "./workers.js";

const execute = promisify(execFile);
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

interface Filling {
  fill(): number;
  free(): void;
  cpuMs(): number;
}

interface Outcome {
  left: number | "plenty";
  result?: string;
  typed?: boolean;
  code?: string;
  message?: string;
}

/** A program behind `ulimit -n`. */
function limited(program: string, args: readonly string[]): string[] {
  return ["-c", `ulimit -n 80; exec "$0" "$@"`, process.execPath, program, ...args];
}

/** The home directory of a service that runs. */
async function echoHome(): Promise<string> {
  const { home, registry } = service(process.execPath, ECHO_SCRIPT);
  await registry.discover("echo-service", { timeoutMs: 15_000 });
  return home;
}

async function without(what: string, home: string, transport: string): Promise<Outcome[]> {
  const { stdout, stderr } = await execute(
    "/bin/sh",
    limited(fixture("without-descriptors.mjs"), [what, "echo-service", transport]),
    { env: { ...process.env, HOME: home } },
  );
  expect(stderr).toBe("");
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Outcome);
}

describe.skipIf(process.platform === "win32")("with few file descriptors left", () => {
  it.each([
    ["spawn", "zmtp"],
    ["spawn", "zeromq"],
    ["connect", "zmtp"],
    ["connect", "zeromq"],
    ["serve", "zmtp"],
    ["serve", "zeromq"],
    ["register", "zmtp"],
    ["restart", "zmtp"],
  ])("%s over %s fails with a typed error or works, and works when there are some again", async (what, transport) => {
    const outcomes = await without(what, await echoHome(), transport);
    expect(outcomes).toHaveLength(what === "restart" ? 6 : 12);
    expect(outcomes.filter(({ result, typed }) => result === undefined && typed !== true)).toEqual([]);
    expect(outcomes[0]).toMatchObject({ typed: true });
    expect(outcomes.at(-1)).toEqual({ left: "plenty", result: "ok" });
  });

  it("says so: the message names the cause and ulimit", async () => {
    for (const { message = "" } of (await without("spawn", await echoHome(), "zmtp")).slice(0, 4)) {
      expect(message).toMatch(/EMFILE.*file descriptors (?:are )?left: raise `ulimit -n`/);
    }
  });

  it("the registry's code cannot be loaded, also later: a typed error says what to do", async () => {
    const [first, ...rest] = await without("load", await echoHome(), "zmtp");
    expect(first).toMatchObject({ typed: true, code: "REGISTRY_UNAVAILABLE" });
    expect(first?.message).toMatch(/could not be loaded: .*ulimit -n.* start this process again/);
    expect(rest.filter(({ result, typed }) => result === undefined && typed !== true)).toEqual([]);
  });

  // Over zmtp in any case: libzmq tries to accept without a pause.
  it("a service goes on with the parents that it has, does not spin, and takes others when there are some again", async () => {
    const [command, script = "", ...rest] = limited(fixture("fills-its-descriptors.mjs"), []);
    const overZmtp = `export MULTIFROST_TRANSPORT=zmtp; ${script}`;
    const { connect: connectTo, registry } = service("/bin/sh", [command ?? "", overZmtp, ...rest]);
    const { port } = await registry.discover("echo-service", { timeoutMs: 15_000 });
    const parent = await connectTo<Filling>();
    await parent.call.fill();
    const before = await parent.call.cpuMs();
    const strangers = Array.from({ length: 30 }, () => connect(port, "127.0.0.1").on("error", () => {}));
    atEnd(() => strangers.forEach((socket) => void socket.destroy()));
    await expect(connectTo({ startTimeout: 1_000 })).rejects.toMatchObject({ code: "UNREACHABLE" });
    // It could not use a second of the processor in this one unless it did nothing else.
    expect((await parent.call.cpuMs()) - before).toBeLessThan(500);
    await parent.call.free();
    const other = await connectTo<Filling>();
    expect(await other.call.cpuMs()).toBeGreaterThan(0);
  });
});
