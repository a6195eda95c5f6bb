// The link in use, over a memory transport.

import { createCodec } from "@multifrost/protocol";
import { createMemoryTransport, type MemoryTransport } from "@multifrost/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createConnection } from "../src/connection.js";
import { createInstruments } from "../src/instruments.js";
import type { LifeConfig } from "../src/life-config.js";
import { createLifeState } from "../src/life-state.js";
import { openByTransport } from "../src/open-by-transport.js";
import { resolveOptions } from "../src/options.js";
import { scriptedWorker } from "./support/composed.js";
import { errorOf } from "./support/until.js";

function connectionOver(memory: MemoryTransport) {
  const states: string[] = [];
  const notify: LifeConfig["notify"] = (event, ...args) => event === "state" && states.push(args[0] as string) > 0;
  const config: LifeConfig = {
    name: "math",
    serviceId: undefined,
    codec: createCodec(),
    kind: "composed",
    given: { logger: false },
    options: resolveOptions({}),
    notify,
    open: openByTransport(memory.client(), 50),
  };
  const instruments = createInstruments(config);
  const tell = { interrupted: vi.fn(), resumed: vi.fn(), ended: vi.fn(), processEnded: vi.fn() };
  const { signal } = new AbortController();
  const state = createLifeState(notify);
  const connection = createConnection({ config, instruments, state, signal, output: () => {}, tell });
  onTestFinished(() => connection.drop());
  return { connection, states, breaker: instruments.breaker };
}

describe("the connection", () => {
  it("has no link before one was opened, and none after it was dropped", async () => {
    const { memory } = await scriptedWorker();
    const { connection } = connectionOver(memory);
    expect(connection.live).toBeUndefined();
    await connection.open();
    expect(connection.live?.link.channel.endpoint).toBe("memory://local");
    expect(connection.liveSince).toBeGreaterThan(0);
    await connection.drop();
    expect(connection.live).toBeUndefined();
  });

  it("says `running` when the link is live, and closes the circuit", async () => {
    const { memory } = await scriptedWorker();
    const { connection, states, breaker } = connectionOver(memory);
    breaker.trip("x");
    await connection.open();
    expect(states).toEqual(["running"]);
    expect(breaker.state).toBe("closed");
  });

  it("opened() waits for what is being opened, and never rejects; nothing has changed when it failed", async () => {
    const { connection, states } = connectionOver(createMemoryTransport());
    const opening = errorOf(connection.open());
    await connection.opened();
    expect(await opening).toMatchObject({ code: "UNREACHABLE" });
    expect(connection.live).toBeUndefined();
    expect(states).toEqual([]);
  });

  it("drop() waits for every link there was, also one that somebody else is dropping", async () => {
    const { memory } = await scriptedWorker();
    const { connection } = connectionOver(memory);
    await connection.open();
    const live = connection.live;
    let closed = false;
    const first = connection.drop().then(() => {
      closed = true;
    });
    expect(connection.live).toBeUndefined();
    await connection.drop();
    await first;
    expect(closed).toBe(true);
    expect(() => live?.link.channel.send(new Uint8Array())).toThrow(/closed/);
  });
});
