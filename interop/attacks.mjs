// What one peer may do to a service and to the other parents of that service. Used by the tests of services, and by
// attack-service.mjs. Needs Node and nothing else.

import { connect } from "node:net";
import { greeting, message, ready } from "./wire.mjs";

const MIB = 1024 * 1024;

/** One connection with the handshake of a parent. It reads what comes and drops it, or reads nothing at all. */
class Attacker {
  #socket;
  #isOver = false;
  constructor(port, reads) {
    this.#socket = connect({ host: "127.0.0.1", port });
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.#isOver = true;
    });
    if (reads) {
      this.#socket.resume();
    }
    this.#socket.write(Buffer.concat([greeting, ready("DEALER")]));
  }

  /**
   * Writes it so many times. Resolves when the system has taken everything, the service has closed the connection, or takes
   * nothing for 2 s.
   */
  async send(bytes, times = 1) {
    const piece = Buffer.concat(Array(Math.max(1, Math.floor(65_536 / bytes.length))).fill(bytes));
    for (let left = bytes.length * times; left > 0 && !this.#isOver; ) {
      const part = left >= piece.length ? piece : piece.subarray(0, left);
      left -= part.length;
      if (!this.#socket.write(part) && !(await this.#drained())) {
        return;
      }
    }
    while (!this.#isOver && this.#socket.writableLength > 0 && (await this.#drained())) {
      // More is on its way.
    }
  }

  #drained() {
    return new Promise((resolve) => {
      const settle = (took) => {
        clearTimeout(timer);
        this.#socket.off("drain", onDrain);
        this.#socket.off("close", onClose);
        resolve(took);
      };
      const onDrain = () => settle(true);
      const onClose = () => settle(false);
      const timer = setTimeout(settle, 2000, false);
      this.#socket.on("drain", onDrain);
      this.#socket.on("close", onClose);
    });
  }

  end() {
    this.#socket.destroy();
  }
}

const repeated = (hex, times) => Buffer.alloc((hex.length / 2) * times, hex, "hex");

function array(length, items) {
  const head = Buffer.from([0xdd, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, ...items]);
}

function mapOf(keys) {
  const head = Buffer.from([0xdf, 0, 0, 0, 0]);
  head.writeUInt32BE(keys, 1);
  const entries = [];
  for (let index = 0; index < keys; index++) {
    const key = index.toString(36);
    entries.push(Buffer.from([0xa0 + key.length]), Buffer.from(key), Buffer.from([0xc0]));
  }
  return Buffer.concat([head, ...entries]);
}

/** Values that take little on the wire and much in memory: about 3 MB each. */
export const bombs = {
  nils: () => array(3, Array(3).fill(array(1_000_000, [repeated("c0", 1_000_000)]))),
  "empty-maps": () => array(3, Array(3).fill(array(1_000_000, [repeated("80", 1_000_000)]))),
  "arrays-of-one": () => array(2, Array(2).fill(array(750_000, [repeated("91c0", 750_000)]))),
  "maps-of-one": () => array(750_000, [repeated("81a161c0", 750_000)]),
  /** In JavaScript an object may reserve room for each index below the highest. */
  "maps-with-an-index": () => array(600_000, [repeated("81cd03ffc0", 600_000)]),
  "a-map-of-1M-keys": () => mapOf(1_000_000),
  binaries: () => array(2, Array(2).fill(array(750_000, [repeated("c400", 750_000)]))),
  extensions: () => array(1_000_000, [repeated("d40500", 1_000_000)]),
  dates: () => array(500_000, [repeated("d6ff00000001", 500_000)]),
  "big-integers": () => array(330_000, [repeated("cfffffffffffffffff", 330_000)]),
  nested: () => Buffer.concat([repeated("91", 3 * MIB), Buffer.from([0xc0])]),
};

const call = (name, args) => message({ id: "0", type: "call", function: name, args, namespace: "default" });

const one = (reads, what) => async (port, short) => {
  const attacker = new Attacker(port, reads);
  await what(attacker, short);
  return [attacker];
};

/** The same on so many connections at once, or a fifth of them. */
const many = (count, reads, what) => async (port, short) => {
  const attackers = Array.from({ length: short ? Math.ceil(count / 5) : count }, () => new Attacker(port, reads));
  await Promise.all(attackers.map((attacker) => what(attacker, short)));
  return attackers;
};

const million = (short) => (short ? 50_000 : 1_000_000);

/** `(port, short) => Promise<Attacker[]>` by name. Resolves when everything is sent; the connections are still there. */
export const attacks = {
  "1M frames": one(true, (a, short) => a.send(Buffer.from([0, 0]), million(short))),
  "1M messages that are none": one(true, (a, short) => a.send(Buffer.from([1, 0, 0, 1, 0xc0]), million(short))),
  "1M messages without content": one(true, (a, short) => a.send(Buffer.from([1, 0, 0, 0]), million(short))),
  "1M calls": one(true, (a, short) => a.send(call("add", [1, 2]), million(short))),
  "1M calls, no answer read": one(false, (a, short) => a.send(call("add", [1, 2]), million(short))),
  "1M calls that never end": one(false, (a, short) => a.send(call("hang", [1, 2]), million(short))),
  "1M heartbeats, no answer read": one(false, (a, short) =>
    a.send(message({ id: "0", type: "heartbeat", metadata: { hb_timestamp: 1.5 } }), million(short)),
  ),
  "1M PINGs, no answer read": one(false, (a, short) => a.send(repeated("04070450494e470000", 1), million(short))),
  "1M shutdowns": one(true, (a, short) => a.send(message({ id: "0", type: "shutdown" }), million(short))),
  "30 x 60 MiB, unfinished": many(30, true, (a) =>
    // The empty frame, and the head of one of 60 MiB.
    a.send(Buffer.from("0100020000000003c00000", "hex")).then(() => a.send(Buffer.alloc(MIB), 59)),
  ),
  "30 x 60 MiB, echoed and not read": many(30, false, (a) => a.send(largeCall("echo"))),
  "30 x 60 MiB in calls that never end": many(30, false, (a) => a.send(largeCall("hang"))),
  "2000 connections": many(2000, true, (a) => a.send(message({ id: "0", type: "heartbeat", metadata: {} }))),
  ...Object.fromEntries(
    Object.entries(bombs).map(([name, make]) => [
      `20 x 3 MB of ${name}`,
      one(true, (a, short) => a.send(call("size", [make()]), short ? 1 : 20)),
    ]),
  ),
  "10 x 10 x 3 MB of empty-maps": many(10, true, (a, short) =>
    a.send(call("size", [bombs["empty-maps"]()]), short ? 3 : 10),
  ),
  "10 x 10 x 3 MB of empty-maps in calls that never end": many(10, true, (a, short) =>
    a.send(call("hang", [bombs["empty-maps"]()]), short ? 3 : 10),
  ),
};

/** Made once: 30 of them would take 1.8 GiB here. */
const largeCalls = new Map();
function largeCall(name) {
  if (!largeCalls.has(name)) {
    const head = Buffer.from([0xc6, 0, 0, 0, 0]);
    head.writeUInt32BE(60 * MIB, 1);
    largeCalls.set(name, call(name, [Buffer.concat([head, Buffer.alloc(60 * MIB)])]));
  }
  return largeCalls.get(name);
}
