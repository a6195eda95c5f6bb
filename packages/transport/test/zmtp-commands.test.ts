// Greeting and commands as bytes.

import { describe, expect, it } from "vitest";
import { errorCommand, parseError, parsePing, parseReady, pingCommand, readyCommand } from "../src/zmtp/commands.js";
import { GREETING, GreetingReader } from "../src/zmtp/greeting.js";
import { DEALER_HELLO } from "./zmtp-setups.js";

describe("the greeting", () => {
  it("is 64 bytes: ZMTP 3.1, NULL", () => {
    expect(Buffer.from(GREETING)).toEqual(DEALER_HELLO.subarray(0, 64));
  });

  it.each([
    [0, 0, "It does not speak ZMTP."],
    [9, 0x7e, "It does not speak ZMTP."],
    [10, 2, "It speaks a version of ZMTP before 3.0."],
    [12, 80, "It asks for a security mechanism other than NULL."],
    [16, 1, "It asks for a security mechanism other than NULL."],
    [31, 1, "It asks for a security mechanism other than NULL."],
  ])("byte %i as %i is refused as soon as it is there: %s", (at, value, reason) => {
    const greeting = Uint8Array.from(GREETING);
    greeting[at] = value;
    const reader = new GreetingReader();
    expect(reader.take(greeting.subarray(0, at))).toBe(at);
    expect(() => reader.take(greeting.subarray(at, at + 1))).toThrow(reason);
  });

  it("accepts any padding, filler, as-server, and any version from 3.0 on", () => {
    for (const [major, minor] of [
      [3, 0],
      [3, 1],
      [3, 9],
      [4, 0],
    ] as const) {
      const greeting = new Uint8Array(64).fill(0xab);
      greeting.set([0xff], 0);
      greeting.set([0x7f, major, minor], 9);
      greeting.set(Buffer.from("NULL".padEnd(20, "\0")), 12);
      const reader = new GreetingReader();
      expect(reader.take(Buffer.concat([greeting, Buffer.from("more")]))).toBe(64);
      expect(reader.isComplete).toBe(true);
      expect(reader.version).toEqual({ major, minor });
    }
  });
});

describe("READY", () => {
  const bodyOf = (ready: Uint8Array) => ready.subarray(2 + 6);
  const property = (name: string, value: string) =>
    Buffer.concat([
      Buffer.from([name.length]),
      Buffer.from(name),
      Buffer.from([0, 0, 0, value.length]),
      Buffer.from(value),
    ]);

  it("carries the kind of socket, an identity and properties", () => {
    const ready = readyCommand("ROUTER", "é1", { "X-Token": "abc" });
    expect(Buffer.from(ready.subarray(0, 8)).toString("latin1")).toBe(
      `\x04${String.fromCharCode(ready.length - 2)}\x05READY`,
    );
    const { identity, properties } = parseReady(bodyOf(ready), "DEALER");
    expect(identity).toBe("é1");
    expect([...properties]).toEqual([["x-token", "abc"]]);
  });

  it("is read in any order and any case of names; unknown properties are kept", () => {
    const body = Buffer.concat([
      property("X-ONE", "1"),
      property("iDENTITY", "me"),
      property("Resource", "r"),
      property("socket-TYPE", "REQ"),
    ]);
    const { identity, properties } = parseReady(body, "ROUTER");
    expect(identity).toBe("me");
    expect(Object.fromEntries(properties)).toEqual({ "x-one": "1", resource: "r" });
  });

  const type = property("Socket-Type", "DEALER");
  it.each([
    ["no kind of socket", Buffer.alloc(0)],
    ["an unknown kind", property("Socket-Type", "STREAM")],
    ["a kind that a ROUTER cannot talk to", property("Socket-Type", "PUB")],
    ["a stray byte at the end", Buffer.concat([type, Buffer.from([0])])],
    ["a property that is cut", type.subarray(0, type.length - 1)],
    ["a value longer than the command", Buffer.from("\x01a\xff\xff\xff\xffx", "latin1")],
    ["a property without a name", Buffer.concat([type, Buffer.from([0, 0, 0, 0, 0])])],
    ["a name that comes twice", Buffer.concat([type, property("socket-type", "DEALER")])],
    ["an identity with a leading zero byte", Buffer.concat([type, property("Identity", "\0a")])],
  ])("with %s is refused", (_, body) => {
    expect(() => parseReady(body, "ROUTER")).toThrow(expect.objectContaining({ name: "ProtocolError" }));
  });

  it("DEALER takes REP, DEALER and ROUTER; ROUTER takes REQ, DEALER and ROUTER", () => {
    const takes = (own: "DEALER" | "ROUTER") =>
      ["REQ", "REP", "DEALER", "ROUTER", "PUB", "SUB", "XPUB", "XSUB", "PUSH", "PULL", "PAIR"].filter((other) => {
        try {
          parseReady(property("Socket-Type", other), own);
          return true;
        } catch {
          return false;
        }
      });
    expect(takes("DEALER")).toEqual(["REP", "DEALER", "ROUTER"]);
    expect(takes("ROUTER")).toEqual(["REQ", "DEALER", "ROUTER"]);
  });
});

describe("PING, PONG and ERROR", () => {
  it("a PONG repeats at most 16 bytes of the context", () => {
    const { pong } = parsePing(Buffer.from(`\0\0${"0123456789".repeat(4)}`));
    expect(Buffer.from(pong).toString("latin1")).toBe("\x04\x15\x04PONG0123456789012345");
  });

  it("a PING without a time to live is an error", () => {
    expect(() => parsePing(Buffer.from([0]))).toThrow(expect.objectContaining({ name: "ProtocolError" }));
  });

  it("the time to live of a PING is in tenths of a second", () => {
    expect(parsePing(Buffer.from([1, 3])).ttlMs).toBe(25_900);
    expect(parsePing(Buffer.from([0, 0])).ttlMs).toBe(0);
  });

  it("a PING announces at most 65.5 s, since libzmq takes 65.6 s for 0.1 s", () => {
    expect([...pingCommand(1000).subarray(7)]).toEqual([0, 10]);
    expect([...pingCommand(70_000).subarray(7)]).toEqual([2, 143]);
  });

  it("the reason of an ERROR is cut to 255 bytes, and printed safely", () => {
    expect(parseError(errorCommand("no\nentry").subarray(2 + 6))).toBe("no?entry");
    expect(errorCommand("x".repeat(300)).length).toBe(9 + 6 + 1 + 255);
  });
});
