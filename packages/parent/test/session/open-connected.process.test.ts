// Connect mode with real services, in a registry of the test's own.

import { ConnectionError, RegistryError } from "@multifrost/protocol/errors";
import { describe, expect, it } from "vitest";
import type { ParentState } from "../../src/index.js";
import { gone, isAlive, run, said } from "../support/processes.js";
import { servicePlace } from "../support/services.js";
import { errorOf, until } from "../support/until.js";

describe("connecting", () => {
  it("finds a service by its name and calls it; there is no pid, as the process is not ours", async () => {
    const place = servicePlace();
    const service = await place.start("math");
    const worker = await place.connect("math");
    expect(worker.state).toBe("idle");
    await worker.start();
    expect(await worker.call.add(1, 2)).toBe(3);
    expect(await worker.call.pid()).toBe(service.pid);
    expect(worker.pid).toBeUndefined();
    expect(worker.name).toBe("math");
    expect(worker.isHealthy).toBe(true);
  });

  it("[NET-1] many parents use one service, each with its own answers", async () => {
    const place = servicePlace();
    await place.start("math");
    const workers = await Promise.all(Array.from({ length: 5 }, () => place.connect("math")));
    await Promise.all(workers.map((worker) => worker.start()));
    const answers = workers.map((worker, index) =>
      Promise.all(Array.from({ length: 50 }, (_, call) => worker.call.echo(`${index}/${call}`))),
    );
    for (const [index, texts] of (await Promise.all(answers)).entries()) {
      expect(texts).toEqual(Array.from({ length: 50 }, (_, call) => `${index}/${call}`));
    }
  });

  it("stop() does not end the service", async () => {
    const place = servicePlace();
    const service = await place.start("math");
    const first = await place.connect("math");
    await first.start();
    await first.stop();
    expect(isAlive(service.pid)).toBe(true);
    const second = await place.connect("math");
    await second.start();
    expect(await second.call.add(2, 2)).toBe(4);
  });

  it("waits for a service that is just being started", async () => {
    const place = servicePlace();
    const connecting = place.connect("math", { timeout: 15_000 });
    await place.start("math");
    const worker = await connecting;
    await worker.start();
    expect(await worker.call.add(1, 2)).toBe(3);
  });

  it("service not running: RegistryError SERVICE_NOT_FOUND, which says what to do", async () => {
    const place = servicePlace();
    const error = await errorOf<RegistryError>(place.connect("nonesuch", { timeout: 20 }));
    expect(error).toBeInstanceOf(RegistryError);
    expect(error.code).toBe("SERVICE_NOT_FOUND");
    expect(error.message.replace(/in \S+services\.json/, "in FILE")).toBe(
      "Service 'nonesuch' was not found in FILE within 20 ms. No service is registered there. Start the service first, " +
        "or check its name.",
    );
  });

  it("[REG-12] its port is another program's: ConnectionError UNREACHABLE in time, and no hang", async () => {
    const place = servicePlace();
    const other = run("listens-and-says-nothing.mjs");
    const port = Number(await said(other, /(\d+)\n/));
    await place.registry.register({ serviceId: "math", port });
    const worker = await place.connect("math", { startTimeout: 300 });
    const error = await errorOf<ConnectionError>(worker.start());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: "UNREACHABLE", endpoint: `tcp://127.0.0.1:${port}` });
    expect(error.message).toBe(
      `No worker connected at tcp://127.0.0.1:${port} within 300 ms. Check that the worker is running there and was ` +
        "started with run() or start().",
    );
    expect(worker.state).toBe("idle");
  });

  it("[MSG-12] its port is a program's that sends everything back: UNREACHABLE, since an echo is no answer", async () => {
    const place = servicePlace();
    const other = run("echoes.mjs");
    await place.registry.register({ serviceId: "math", port: Number(await said(other, /(\d+)\n/)) });
    const worker = await place.connect("math", { startTimeout: 500, transport: "zmtp" });
    expect(await errorOf(worker.start())).toMatchObject({ code: "UNREACHABLE" });
    expect(worker.getMetrics().droppedMessages).toBeGreaterThan(0);
  });

  it("no program listens on its port: ConnectionError UNREACHABLE too", async () => {
    const place = servicePlace();
    await place.registry.register({ serviceId: "math", port: 1 });
    const worker = await place.connect("math", { startTimeout: 300 });
    expect(await errorOf(worker.start())).toMatchObject({ code: "UNREACHABLE" });
  });

  it("[REG-12] a service that is stopped (SIGSTOP): UNREACHABLE, as it answers no heartbeat", async () => {
    const place = servicePlace();
    const service = await place.start("math");
    const worker = await place.connect("math", { startTimeout: 500 });
    process.kill(service.pid, "SIGSTOP");
    expect(await errorOf(worker.start())).toMatchObject({ code: "UNREACHABLE" });
    process.kill(service.pid, "SIGCONT");
    await worker.start();
    expect(await worker.call.add(1, 2)).toBe(3);
  });

  it("stop() while it looks for the service: start() rejects with NotRunningError", async () => {
    const place = servicePlace();
    const service = await place.start("math");
    const worker = await place.connect("math");
    service.child.kill("SIGKILL");
    await gone(service.pid);
    const starting = errorOf(worker.start());
    await worker.stop();
    expect(await starting).toMatchObject({ code: "NOT_RUNNING", message: "math was stopped while it was starting." });
  });
});

describe("a service that goes away", () => {
  it("[CALL-6] pending calls reject with ConnectionError; the parent finds it again on its new port; calls meanwhile wait", async () => {
    const place = servicePlace();
    const first = await place.start("math");
    const worker = await place.connect("math", { restartBackoff: 0.01 });
    await worker.start();
    const { port } = await place.registry.discover("math");
    const states: ParentState[] = [];
    worker.on("state", (state) => states.push(state));

    const lost = errorOf<ConnectionError>(worker.call.hang());
    await worker.call.add(1, 1);
    first.child.kill("SIGKILL");
    const error = await lost;
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: "CONNECTION_LOST", endpoint: `tcp://127.0.0.1:${port}` });
    expect(error.message).toBe(
      `'hang' got no answer: the connection to math (tcp://127.0.0.1:${port}) was lost. It may have run or not; calls ` +
        "made from now on wait for the connection to come back.",
    );
    expect(worker.state).toBe("reconnecting");
    const waiting = worker.call.withOptions({ timeout: 15_000 }).pid();
    const second = await place.start("math");
    expect(await waiting).toBe(second.pid);
    expect((await place.registry.discover("math")).port).not.toBe(port);
    expect(states).toEqual(["reconnecting", "running"]);
    expect(worker.isHealthy).toBe(true);
  });

  it("in order, and comes back: the same", async () => {
    const place = servicePlace();
    const first = await place.start("math");
    const worker = await place.connect("math", { restartBackoff: 0.01 });
    await worker.start();
    first.child.kill("SIGTERM");
    expect(await first.ended).toEqual({ code: 0, signal: null });
    await until(() => worker.state === "reconnecting");
    await place.start("math");
    await until(() => worker.state === "running");
    expect(await worker.call.add(1, 2)).toBe(3);
  });

  it("[CALL-6] in order, under calls: those that it refuses as it is stopping are sent to the one that follows", async () => {
    const place = servicePlace();
    const first = await place.start("math");
    const worker = await place.connect("math", { restartBackoff: 0.01 });
    await worker.start();
    const inFlight = worker.call.later("answered", 200);
    await worker.call.add(1, 1);
    first.child.kill("SIGTERM");
    await expect
      .poll(() => place.registry.discover("math", { timeoutMs: 0 }).catch(() => "withdrawn"))
      .toBe("withdrawn");
    const refused = Array.from({ length: 10 }, () => worker.call.pid());
    const second = await place.start("math");
    expect(await inFlight).toBe("answered");
    expect(await Promise.all(refused)).toEqual(Array.from({ length: 10 }, () => second.pid));
    expect(worker.metrics).toMatchObject({ requestsFailed: 0, circuitBreakerTrips: 0 });
  });

  it("for good: calls wait for startTimeout and no longer, and stop() ends the search", async () => {
    const place = servicePlace();
    const service = await place.start("math");
    const worker = await place.connect("math", { startTimeout: 200, restartBackoff: 0.01 });
    await worker.start();
    service.child.kill("SIGKILL");
    await until(() => worker.state === "reconnecting");
    expect(await errorOf(worker.call.add(1, 2))).toMatchObject({
      code: "UNREACHABLE",
      message: "'add' was not sent: math did not come back within 200 ms (startTimeout).",
    });
    expect(worker.state).toBe("reconnecting");
    await worker.stop();
    expect(worker.state).toBe("stopped");
  });

  it("heartbeats run here too: a service that stops answering is stalled, opens the circuit, and closes it when it goes on", async () => {
    const place = servicePlace();
    const service = await place.start("math");
    const attentive = { heartbeatInterval: 0.05, heartbeatTimeout: 0.2, stallTimeout: 0.5, circuitResetTimeout: 60 };
    const worker = await place.connect("math", attentive);
    await worker.start();
    process.kill(service.pid, "SIGSTOP");
    await until(() => worker.circuitOpen);
    expect(worker.state).toBe("stalled");
    process.kill(service.pid, "SIGCONT");
    await until(() => worker.isHealthy);
    expect(await worker.call.add(1, 2)).toBe(3);
  });
});
