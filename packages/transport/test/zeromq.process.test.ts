// What only real processes show: a killed peer, a process that ends by itself, what importing loads.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Router } from "zeromq";
import { zeromqClient } from "../src/index.js";
import { bytesOf, closeAfterTest, openClient, portOf, texts, until } from "./opened.js";

describe("processes", () => {
  it("a killed worker is heard as down; a new one is heard as up, and gets what waited", async () => {
    const client = await openClient(zeromqClient({ bind: {} }));
    const first = start("answers-until-killed.mjs", portOf(client.channel));
    client.channel.send(bytesOf("one"));
    await until(() => client.heard.messages.length === 1);
    first.kill("SIGKILL");
    await until(() => client.heard.downs === 1);
    client.channel.send(bytesOf("two"));
    start("answers-until-killed.mjs", portOf(client.channel));
    await until(() => client.heard.messages.length === 2);
    expect(texts(client.heard)).toEqual(["one", "two"]);
    expect(client.heard.ups).toBe(2);
  });

  it("a process that closed its channels ends by itself", async () => {
    expect(await run("closes-everything.mjs")).toEqual({ code: 0, stdout: "closed\n", stderr: "" });
  });

  it("what a peer does not read keeps neither close nor the process from ending", async () => {
    const silent = new Router({ linger: 0, receiveHighWaterMark: 1 });
    closeAfterTest(() => silent.close());
    await silent.bind("tcp://127.0.0.1:*");
    expect(await run("closes-with-unsent.mjs", portOf({ endpoint: silent.lastEndpoint ?? "" }))).toEqual({
      code: 0,
      stdout: "closed\n",
      stderr: "",
    });
  });

  it("a channel that nobody refers to lives on: the garbage collector does not close its socket", async () => {
    expect(await run("held-by-nobody.mjs")).toEqual({ code: 0, stdout: "are you there?\n", stderr: "" });
  });

  it("importing the package loads no native code", async () => {
    expect(await run("imports-only.mjs")).toEqual({ code: 0, stdout: "[]\n", stderr: "" });
  });

  it("a library that cannot be loaded rejects open with TRANSPORT_UNAVAILABLE", async () => {
    const { stdout } = await run("zeromq-cannot-load.mjs");
    const { name, code, message } = JSON.parse(stdout) as Record<string, string>;
    expect({ name, code }).toEqual({ name: "ConnectionError", code: "TRANSPORT_UNAVAILABLE" });
    expect(message).toContain(`${process.platform}/${process.arch}`);
    expect(message).toContain("no binary for this machine");
  });
});

/** Starts a fixture with plain node, so that it uses what users get. Killed after the test if it still runs. */
function start(fixture: string, ...args: number[]): ChildProcess {
  const path = fileURLToPath(new URL(`fixtures/${fixture}`, import.meta.url));
  const child = spawn(process.execPath, ["--expose-gc", path, ...args.map(String)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  closeAfterTest(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
  return child;
}

async function run(fixture: string, ...args: number[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(fixture, ...args);
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) {
    throw new Error("the fixture's output is not piped");
  }
  const [[code], out, err] = await Promise.all([once(child, "exit"), text(stdout), text(stderr)]);
  return { code, stdout: out, stderr: err };
}
