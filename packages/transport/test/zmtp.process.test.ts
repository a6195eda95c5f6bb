// ZMTP channels in processes and threads: a killed peer, natural exit, the end of a thread.

import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { zmtpClient } from "../src/index.js";
import { run, start } from "./fixtures.js";
import { bytesOf, closeAfterTest, openClient, texts, until } from "./open-channels.js";
import { ROUTER_HELLO } from "./zmtp-setups.js";

describe("processes", () => {
  it("killing a worker causes down; a new worker causes up and gets the messages that waited", async () => {
    const client = await openClient(zmtpClient({ bind: { private: true } }));
    const path = client.channel.endpoint.replace("ipc://", "");
    const first = start("zmtp-answers-until-killed.mjs", path);
    client.channel.send(bytesOf("one"));
    await until(() => client.recorded.messages.length === 1);
    first.kill("SIGKILL");
    await until(() => client.recorded.downs === 1);
    client.channel.send(bytesOf("two"));
    start("zmtp-answers-until-killed.mjs", path);
    await until(() => client.recorded.messages.length === 2);
    expect(texts(client.recorded)).toEqual(["one", "two"]);
    expect(client.recorded.ups).toBe(2);
  });

  it("a process exits on its own after closing its channels", async () => {
    expect(await run("zmtp-closes-everything.mjs")).toEqual({ code: 0, stdout: "closed\n", stderr: "" });
  });

  it("a peer that does not read prevents neither close nor the exit of the process", async () => {
    const silent = createServer((socket) => void socket.on("error", () => {}).write(ROUTER_HELLO));
    closeAfterTest(() => silent.close());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await run("zmtp-closes-with-unsent.mjs", port)).toEqual({ code: 0, stdout: "closed\n", stderr: "" });
  });

  it("a thread with open channels may end in any way; the process lives", async () => {
    expect(await run("zmtp-threads.mjs")).toEqual({ code: 0, stdout: "alive\n", stderr: "" });
  });
});
