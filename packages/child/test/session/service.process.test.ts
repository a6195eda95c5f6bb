import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { createFileRegistry } from "@multifrost/registry";
import { describe, expect, test } from "vitest";
import { networkClient } from "../support/network.js";
import { openParent } from "../support/parent.js";
import { startFixture, temporaryHome } from "../support/processes.js";
import { services, startService } from "../support/services.js";

describe("a service", () => {
  test("[NET-1] [REG-6] registers its port and process, answers its parents, and unregisters when it ends", async () => {
    const { home, port, pid, process: child, ended, stderr } = await startService("answers-calls.mjs", "math");
    expect(services(home)).toMatchObject({ math: { port, pid, started: expect.any(String) } });
    const [one, two] = await Promise.all([1, 2].map(() => openParent(networkClient({ connect: { port } }))));
    expect(await one?.call("add", [1, 2])).toMatchObject({ result: 3 });
    expect(await two?.call("add", [2, 2])).toMatchObject({ result: 4 });
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(services(home)).toEqual({});
    expect(stderr()).toBe("");
  });

  test("[NET-2] listens on the loopback address only", async () => {
    const { port } = await startService("answers-calls.mjs", "math");
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === "IPv4")
      .map(({ address }) => address);
    // 127.0.0.2 is this machine too, and is reached wherever a service listens on every address.
    for (const host of ["127.0.0.2", ...others]) {
      const socket = connect({ port, host });
      const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
      expect([host, error.code]).toEqual([host, "ECONNREFUSED"]);
    }
    const socket = connect({ port, host: "127.0.0.1" });
    await once(socket, "connect");
    socket.destroy();
  });

  test.each(["zmtp", "zeromq"])(
    "[REG-13] over %s answers the question of the registry, where its entry does not say when its process started",
    async (transport) => {
      const { home, port, pid } = await startService("answers-calls.mjs", "math", {}, transport);
      const directory = join(home, ".multifrost");
      writeFileSync(join(directory, "services.json"), JSON.stringify({ math: { port, pid } }));
      const registry = createFileRegistry({ directory });
      expect(await registry.discover("math", { timeoutMs: 0 })).toEqual({ serviceId: "math", port, pid });
      await expect(registry.register({ serviceId: "math", port: 1 })).rejects.toMatchObject({ code: "SERVICE_EXISTS" });
      process.kill(pid, "SIGSTOP");
      expect(await registry.register({ serviceId: "math", port: 1 })).toMatchObject({ pid: process.pid });
      process.kill(pid, "SIGCONT");
    },
  );

  test("does not end when its parents do", async () => {
    const { port } = await startService("answers-calls.mjs", "math");
    const first = await openParent(networkClient({ connect: { port } }));
    await first.heartbeat();
    await first.close();
    const second = await openParent(networkClient({ connect: { port } }));
    expect(await second.call("add", [1, 2])).toMatchObject({ result: 3 });
  });

  test("[LIFE-7] does not end because a parent asks it to, unless allowRemoteShutdown is set", async () => {
    const refusing = await startService("answers-calls.mjs", "math");
    const stranger = await openParent(networkClient({ connect: { port: refusing.port } }));
    stranger.shutdown();
    await stranger.heartbeat();
    expect(await stranger.call("add", [1, 2])).toMatchObject({ result: 3 });
    expect(refusing.stderr()).toContain("it goes on, because allowRemoteShutdown is false");

    const obeying = await startService("answers-calls.mjs", "math", { allowRemoteShutdown: true });
    const parent = await openParent(networkClient({ connect: { port: obeying.port } }));
    parent.shutdown();
    expect(await obeying.ended).toBe(0);
    expect(services(obeying.home)).toEqual({});
  });

  test("[REG-4] whose id is taken names the process that has it, in one line, and exits with code 1; the other goes on", async () => {
    const { home, port, pid } = await startService("answers-calls.mjs", "math");
    const second = startFixture("answers-calls.mjs", { args: ["math"], env: { HOME: home } });
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toBe(
      `multifrost: Service 'math' is already registered by process ${pid} on port ${port}, which is still running. ` +
        "Stop that process first, or register under another name.\n",
    );
    expect(services(home)).toMatchObject({ math: { port, pid } });
  });

  test("whose registry cannot be written says so in one line and exits with code 1", async () => {
    const { ended, stderr } = startFixture("answers-calls.mjs", { args: ["math"], env: { HOME: "/dev/null" } });
    expect(await ended).toBe(1);
    expect(stderr()).toMatch(/^multifrost: .*\/dev\/null\/\.multifrost.*\n$/);
  });

  test("is listed by Node as alive; started and stopped without run() it leaves nothing behind and ends", async () => {
    const home = temporaryHome();
    const { ended, stdout, stderr } = startFixture("starts-and-stops.mjs", { env: { HOME: home } });
    expect(await ended).toBe(0);
    expect(stdout()).toBe("shown as alive\nas before\n");
    expect(stderr()).toBe("");
    expect(services(home)).toEqual({});
  });
});
