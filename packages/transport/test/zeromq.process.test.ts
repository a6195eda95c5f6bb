// Behaviour that needs a separate process: a killed peer, natural exit, garbage collection, what an import loads.

import { describe, expect, it } from "vitest";
import { Router } from "zeromq";
import { zeromqClient } from "../src/index.js";
import { run, start } from "./fixtures.js";
import { bytesOf, closeAfterTest, openClient, portOf, texts, until } from "./open-channels.js";

describe("processes", () => {
  it("killing a worker causes down; a new worker causes up and gets the messages that waited", async () => {
    const client = await openClient(zeromqClient({ bind: {} }));
    const first = start("answers-until-killed.mjs", portOf(client.channel));
    client.channel.send(bytesOf("one"));
    await until(() => client.recorded.messages.length === 1);
    first.kill("SIGKILL");
    await until(() => client.recorded.downs === 1);
    client.channel.send(bytesOf("two"));
    start("answers-until-killed.mjs", portOf(client.channel));
    await until(() => client.recorded.messages.length === 2);
    expect(texts(client.recorded)).toEqual(["one", "two"]);
    expect(client.recorded.ups).toBe(2);
  });

  it("a process exits on its own after closing its channels", async () => {
    expect(await run("closes-everything.mjs")).toEqual({ code: 0, stdout: "closed\n", stderr: "" });
  });

  it("a peer that does not read prevents neither close nor the exit of the process", async () => {
    const silent = new Router({ linger: 0, receiveHighWaterMark: 1 });
    closeAfterTest(() => silent.close());
    await silent.bind("tcp://127.0.0.1:*");
    expect(await run("closes-with-unsent.mjs", portOf({ endpoint: silent.lastEndpoint ?? "" }))).toEqual({
      code: 0,
      stdout: "closed\n",
      stderr: "",
    });
  });

  it("the garbage collector does not close the socket of a channel without references", async () => {
    expect(await run("unreferenced-channel.mjs")).toEqual({ code: 0, stdout: "are you there?\n", stderr: "" });
  });

  it("importing the package loads no native code", async () => {
    expect(await run("imports-only.mjs")).toEqual({ code: 0, stdout: "[]\n", stderr: "" });
  });

  it("open rejects with TRANSPORT_UNAVAILABLE when the native library cannot be loaded", async () => {
    const { stdout } = await run("zeromq-cannot-load.mjs");
    const { name, code, message } = JSON.parse(stdout) as Record<string, string>;
    expect({ name, code }).toEqual({ name: "ConnectionError", code: "TRANSPORT_UNAVAILABLE" });
    expect(message).toContain(`${process.platform}/${process.arch}`);
    expect(message).toContain("no binary for this machine");
  });

  it("open rejects with TRANSPORT_UNAVAILABLE and the command to install the package when it is not installed", async () => {
    const { stdout } = await run("zeromq-not-installed.mjs");
    const { name, code, message } = JSON.parse(stdout) as Record<string, string>;
    expect({ name, code }).toEqual({ name: "ConnectionError", code: "TRANSPORT_UNAVAILABLE" });
    expect(message).toContain("npm install zeromq");
  });
});
