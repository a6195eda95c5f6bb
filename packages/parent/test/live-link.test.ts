// One link from its opening to its end, with an opener that the test plays by hand.

import { createCodec, createHeartbeat, createShutdown, type ExitDetails, type Message } from "@multifrost/protocol";
import type { LogLevel, LogRecord } from "@multifrost/reliability";
import { describe, expect, it, vi } from "vitest";
import { createInstruments } from "../src/instruments.js";
import type { LifeConfig } from "../src/life-config.js";
import type { LinkEvents, Loss } from "../src/link.js";
import { type LiveLink, openLive } from "../src/live-link.js";
import { type ParentOptions, resolveOptions } from "../src/options.js";
import type { WorkerProcess } from "../src/spawn/worker-process.js";
import { errorOf, until } from "./support/until.js";

const codec = createCodec();
const exit: ExitDetails = { exitCode: 1, signal: null, stderrTail: "", command: "node worker.mjs" };
const broken: Loss = { kind: "connection", endpoint: "hand://made" };

/** Opens a link whose other end is the test. */
function opened(given: ParentOptions = {}, worker?: Partial<WorkerProcess>) {
  const sent: Message[] = [];
  const records: [LogLevel, LogRecord][] = [];
  const at = (level: LogLevel) => (record: LogRecord) => void records.push([level, record]);
  const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  const close = vi.fn(async () => {});
  const channel = {
    endpoint: "hand://made",
    queued: 0,
    close,
    send: (bytes: Uint8Array) => void sent.push(codec.decode(bytes)),
  };
  let events: LinkEvents | undefined;
  const config: LifeConfig = {
    name: "math",
    serviceId: undefined,
    codec,
    kind: "composed",
    given: { logger, ...given },
    options: resolveOptions(given),
    notify: () => true,
    async open(linkEvents) {
      events = linkEvents;
      return { channel, worker: worker as WorkerProcess | undefined };
    },
  };
  const tell = {
    live: vi.fn((_live: LiveLink) => {}),
    interrupted: vi.fn(),
    resumed: vi.fn(),
    ended: vi.fn(),
    processEnded: vi.fn(),
  };
  const instruments = createInstruments(config);
  const { signal, abort } = { signal: new AbortController().signal, abort: () => {} };
  const done = openLive({ config, instruments, output: () => {}, signal, tell });
  const hear = (message: Message): void => events?.message(codec.encode(message));
  const beat = async (): Promise<void> => {
    await until(() => sent.some(({ type }) => type === "heartbeat"));
    hear(createHeartbeat(sent[0]?.id));
  };
  return { done, tell, hear, beat, sent, records, close, abort, events: () => events as LinkEvents };
}

describe("a link", () => {
  it("is live when its first heartbeat is answered, and told in the same turn", async () => {
    const link = opened();
    await until(() => link.sent.length === 1);
    expect(link.tell.live).not.toHaveBeenCalled();
    await link.beat();
    await link.done;
    expect(link.tell.live).toHaveBeenCalledOnce();
    expect(link.records).toContainEqual(["info", expect.objectContaining({ event: "socket_connect" })]);
  });

  it("that ends before it is live is never told as live: it rejects, and the channel is closed", async () => {
    const link = opened();
    const failed = errorOf(link.done);
    await until(() => link.sent.length === 1);
    link.events().ended(broken);
    expect(await failed).toMatchObject({ code: "CONNECTION_LOST" });
    expect(link.close).toHaveBeenCalledOnce();
    expect(link.tell.live).not.toHaveBeenCalled();
    expect(link.tell.ended).not.toHaveBeenCalled();
  });

  it("without heartbeats likewise: one that has ended by the time it is open rejects", async () => {
    const link = opened({ heartbeatInterval: 0 });
    link.events().ended({ kind: "exit", exit });
    expect(await errorOf(link.done)).toMatchObject({ code: "EXITED_EARLY" });
    expect(link.tell.live).not.toHaveBeenCalled();
  });

  it("tells of breaks and of its end while it is live, and of nothing once it was dropped", async () => {
    const link = opened();
    await link.beat();
    await link.done;
    link.events().interrupted(broken);
    link.events().resumed();
    expect(link.tell.interrupted).toHaveBeenCalledExactlyOnceWith(broken);
    expect(link.tell.resumed).toHaveBeenCalledOnce();
    await link.tell.live.mock.calls[0]?.[0].drop();
    link.events().interrupted(broken);
    link.events().resumed();
    link.events().ended(broken);
    expect(link.tell.interrupted).toHaveBeenCalledOnce();
    expect(link.tell.resumed).toHaveBeenCalledOnce();
    expect(link.tell.ended).not.toHaveBeenCalled();
  });

  it("dropped twice is dropped once; its heartbeats end", async () => {
    const link = opened({ heartbeatInterval: 0.001 });
    await link.beat();
    await link.done;
    const live = link.tell.live.mock.calls[0]?.[0] as LiveLink;
    await Promise.all([live.drop(), live.drop()]);
    expect(link.close).toHaveBeenCalledOnce();
    const count = link.sent.length;
    // Another with the same interval goes on meanwhile, so that there was time for more.
    const other = opened({ heartbeatInterval: 0.001 });
    await other.beat();
    await other.done;
    await until(() => other.sent.length > 5);
    const going = other.tell.live.mock.calls[0]?.[0] as LiveLink;
    await going.drop();
    expect(link.sent.length).toBe(count);
  });

  it("a message from it that says `shutdown` does nothing", async () => {
    const link = opened();
    await link.beat();
    await link.done;
    link.hear(createShutdown());
    expect(link.tell.ended).not.toHaveBeenCalled();
  });
});

describe("its process", () => {
  it.each([
    [true, "while the link is live: nobody asked for that"],
    [false, "before it is live, which its opener reports"],
  ])("an exit is told as unexpected: %s, %s", async (unexpected) => {
    let end: (exit: ExitDetails) => void = () => {};
    const exited = new Promise<ExitDetails>((resolve) => {
      end = resolve;
    });
    const worker = { pid: 7, command: "node worker.mjs", exited, kill() {} };
    const link = opened({}, worker);
    void exited.then((how) => link.events().ended({ kind: "exit", exit: how }));
    link.events().spawned(worker as unknown as WorkerProcess);
    const done = link.done.catch(() => {});
    if (unexpected) {
      await link.beat();
      await done;
    }
    end(exit);
    await until(() => link.tell.processEnded.mock.calls.length === 1);
    await done;
    expect(link.tell.processEnded).toHaveBeenCalledExactlyOnceWith(exit, unexpected);
    expect(link.records[0]).toMatchObject([
      "info",
      { event: "process_spawn", details: { pid: 7, command: "node worker.mjs" } },
    ]);
  });
});
