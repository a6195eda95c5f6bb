// What other programs may do on the private endpoint of a parent. For the tests of the parents in every language:
//
//   node interop/strangers.mjs ENDPOINTS KIND [--leave] [--both] [--again] [--count=N]
//
// ENDPOINTS are what the worker is given, such as tcp://127.0.0.1:40123,ipc:///tmp/mf-abc/s. KIND is one of KINDS below, or
// `all`.
//
//   --leave    each connection is closed as soon as it has said what it has to say, and answered if it answers; without, it stays
//   --both     each connection twice: one that stays and one that leaves
//   --again    a connection that ends is made again at once, also while nothing listens
//   --count=N  connections at the same time; default 1, for `idle` 200
//
// Lines on stdout: `ready` when each connection has said what it has to say, or was closed or refused; `answered` at the first
// heartbeat it answers; `called` at the first call it gets, which must never happen. It runs until its stdin ends, then writes
// one line of JSON and exits with 0:
//
//   {"connections":1,"refused":0,"closed":1,"heartbeats":0,"calls":0}
//
// `connections` were made, `refused` could not be made, `closed` were closed by the parent, `heartbeats` were answered, `calls`
// were received. Every answer to a call, wherever it may end up, has the result "forged".
//
// Needs Node and nothing else.

import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { frame, greeting, message, ready, unpack } from "./wire.mjs";

const forged = (id) => message({ id, type: "response", result: "forged" });

/** What a false worker or parent says although it was not asked. */
const unasked = () =>
  Buffer.concat([
    forged(randomUUID()),
    message({ id: randomUUID(), type: "error", error: "forged" }),
    message({ id: randomUUID(), type: "heartbeat", metadata: { hb_timestamp: 1.5, hb_response: true, token: "0" } }),
    message({ id: randomUUID(), type: "ready" }),
    message({ id: randomUUID(), type: "stdout", output: "forged" }),
    message({ id: randomUUID(), type: "shutdown" }),
    message({ id: randomUUID(), type: "call", function: "add", args: [1, 2], namespace: "default" }),
  ]);

/** What a connection says first, what it says `next`, after the parent's READY, and how it answers heartbeats. */
const KINDS = {
  text: { says: "hello\n" },
  http: { says: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" },
  tls: { says: Buffer.from("160301020001000001fc0303", "hex") },
  zmtp1: { says: Buffer.from("01000568656c6c6f01000568656c6c6f", "hex") },
  "half-greeting": { says: greeting.subarray(0, 30) },
  idle: { says: "", count: 200 },
  dealer: { says: Buffer.concat([greeting, ready("DEALER")]), next: unasked },
  router: { says: Buffer.concat([greeting, ready("ROUTER")]), next: () => Buffer.alloc(0) },
  "wrong-token": { says: Buffer.concat([greeting, ready("ROUTER", { "X-Token": "0".repeat(32) })]), next: unasked },
  /** Answers heartbeats as a worker does, and calls with a forged result. */
  heartbeats: { says: Buffer.concat([greeting, ready("ROUTER")]), next: () => Buffer.alloc(0), answers: "correctly" },
  /** The same with a guessed token in each answer. */
  guesser: { says: Buffer.concat([greeting, ready("ROUTER")]), next: () => Buffer.alloc(0), answers: "with a token" },
  /** Answers as an echo server does. */
  echo: { says: Buffer.concat([greeting, ready("ROUTER")]), next: () => Buffer.alloc(0), answers: "with the question" },
  /** Sends answers to everything before it is asked anything. */
  forger: { says: Buffer.concat([greeting, ready("ROUTER")]), next: unasked, answers: "correctly" },
  /** Announces a message of 1 GiB, and sends 1 MiB of it. */
  large: {
    says: Buffer.concat([greeting, ready("ROUTER")]),
    next: () => Buffer.concat([Buffer.from("010002000000004000000000", "hex"), Buffer.alloc(1 << 20)]),
  },
  /** 100 000 frames of one byte. */
  frames: {
    says: Buffer.concat([greeting, ready("ROUTER")]),
    next: () => Buffer.alloc(300_000, Buffer.from([1, 1, 0])),
  },
};

const [, , endpoints = "", kindName = "", ...options] = process.argv;
const places = endpoints
  .split(",")
  .map((endpoint) =>
    endpoint.startsWith("ipc://")
      ? { path: endpoint.slice("ipc://".length) }
      : { host: new URL(endpoint).hostname, port: Number(new URL(endpoint).port) },
  );
const kinds = kindName === "all" ? Object.values(KINDS) : [KINDS[kindName]];
if (kinds.includes(undefined)) {
  console.error(`No kind '${kindName}'; there are: all ${Object.keys(KINDS).join(" ")}`);
  process.exit(2);
}
const manners = options.includes("--both") ? [false, true] : [options.includes("--leave")];
const comesAgain = options.includes("--again");
const givenCount = options.find((option) => option.startsWith("--count="))?.slice("--count=".length);

const seen = { connections: 0, refused: 0, closed: 0, heartbeats: 0, calls: 0 };
const sockets = new Set();
let unready = 0;
let isEnding = false;

function say(line) {
  process.stdout.write(`${line}\n`);
}

/** Keeps one connection, or one after the other with `--again`. */
function appear(kind, place, leaves, whenReady) {
  let isReady = false;
  const becomeReady = () => {
    if (!isReady) {
      isReady = true;
      whenReady();
    }
  };
  const socket = connect(place);
  sockets.add(socket);
  let wasConnected = false;
  let hasLeft = false;
  const hasSpoken = () => {
    becomeReady();
    if (leaves) {
      hasLeft = true;
      socket.end();
    }
  };
  socket.on("connect", () => {
    wasConnected = true;
    seen.connections += 1;
    socket.write(kind.says, kind.next === undefined ? hasSpoken : undefined);
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    sockets.delete(socket);
    seen[wasConnected ? "closed" : "refused"] += isEnding || hasLeft ? 0 : 1;
    becomeReady();
    if (comesAgain && !isEnding) {
      setTimeout(() => appear(kind, place, leaves, () => {}), 1);
    }
  });
  let unread = Buffer.alloc(0);
  let greeted = false;
  socket.on("data", (bytes) => {
    unread = Buffer.concat([unread, bytes]);
    if (kind.next === undefined) {
      return;
    }
    if (!greeted && unread.length >= 64) {
      greeted = true;
      unread = unread.subarray(64);
    }
    for (let next = greeted ? takeFrame(unread) : undefined; next !== undefined; next = takeFrame(unread)) {
      unread = next.rest;
      if (next.flags & 4) {
        socket.write(kind.next(), kind.answers === undefined ? hasSpoken : becomeReady);
      } else if (next.body.length > 0) {
        answer(kind, socket, next.body, hasSpoken);
      }
    }
  });
}

function takeFrame(bytes) {
  const isLong = bytes.length > 0 && (bytes[0] & 2) !== 0;
  const start = isLong ? 9 : 2;
  if (bytes.length < start) {
    return undefined;
  }
  const end = start + (isLong ? Number(bytes.readBigUInt64BE(1)) : bytes[1]);
  return bytes.length < end
    ? undefined
    : { flags: bytes[0], body: bytes.subarray(start, end), rest: bytes.subarray(end) };
}

function answer(kind, socket, payload, hasAnswered) {
  const { app, id, type, args, metadata } = unpack(payload);
  if (type === "call") {
    seen.calls += 1;
    say("called");
    socket.write(forged(id));
  } else if (type === "heartbeat" && kind.answers !== undefined) {
    const token = kind.answers === "with a token" ? { token: "0".repeat(32) } : {};
    const reply = { app, id, type, ...(args && { args }), metadata: { ...metadata, hb_response: true, ...token } };
    socket.write(
      kind.answers === "with the question"
        ? Buffer.concat([frame(1, Buffer.alloc(0)), frame(0, payload)])
        : Buffer.concat([message(reply), forged(randomUUID())]),
    );
    hasAnswered();
    seen.heartbeats += 1;
    if (seen.heartbeats === 1) {
      say("answered");
    }
  }
}

const appearances = kinds.flatMap((kind) =>
  places.flatMap((place) => manners.map((leaves) => ({ kind, place, leaves }))),
);
for (const { kind, place, leaves } of appearances) {
  for (let count = Number(givenCount ?? kind.count ?? 1); count > 0; count--) {
    unready += 1;
    appear(kind, place, leaves, () => {
      unready -= 1;
      if (unready === 0) {
        say("ready");
      }
    });
  }
}

process.stdin
  .on("end", () => {
    isEnding = true;
    for (const socket of sockets) {
      socket.destroy();
    }
    process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
  })
  .resume();
