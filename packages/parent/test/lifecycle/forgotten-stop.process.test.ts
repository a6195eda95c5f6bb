// A script that has done its work ends, or says what holds it. Each case is a real parent script.

import { describe, expect, it, onTestFinished } from "vitest";
import { run, said } from "../support/processes.js";
import { temporaryDirectory } from "../support/temp-directory.js";

describe("a script that is done", () => {
  it("ends by itself after stop(), silently, whatever timeouts its calls had", async () => {
    const script = run("parents/calls-and-stops.mjs");
    expect(await script.ended).toEqual({ code: 0, signal: null });
    expect(script.out.stdout).toBe("3\n'fail' failed in answers-calls.mjs: RangeError: on purpose\nstopped\n");
    expect(script.out.stderr).toBe("");
  });

  it("ends by itself although a daemon its worker started holds the pipes open", async () => {
    const script = run("parents/outlived-by-a-daemon.mjs");
    const daemon = Number(await said(script, /daemon (\d+)/));
    onTestFinished(() => void process.kill(daemon, "SIGKILL"));
    expect(await script.ended).toEqual({ code: 0, signal: null });
  });

  it("and forgets stop() logs what keeps it alive, once, and what to do", async () => {
    const script = run("parents/forgets-to-stop.mjs");
    await said(script, /process_held/);
    expect(script.out.stdout).toBe("3\n");
    expect(script.out.stderr).toMatch(
      /^\S+ WARN {2}process_held Nothing else is going on in this process, but the worker answers-calls\.mjs keeps it alive\. Call `await worker\.stop\(\)` when you are done with it, or declare it with `await using`\. workerId=answers-calls\.mjs\n$/,
    );
    expect(script.child.exitCode).toBeNull();
  });

  it("and forgets stop() of a service, likewise", async () => {
    const env = { HOME: temporaryDirectory() };
    const service = run("answers-calls.mjs", { env: { ...env, SERVICE_ID: "math", ANNOUNCE: "1" } });
    await said(service, /reachable/);
    const script = run("parents/forgets-to-stop.mjs", { env, args: ["math"] });
    await said(script, /process_held (Nothing) else is going on in this process, but the worker math keeps it alive/);
    expect(script.out.stdout).toBe("3\n");
  });
});
