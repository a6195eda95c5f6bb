// Which connection to a private endpoint is the worker's.

import { createCodec, createResponse, type HeartbeatMessage } from "@multifrost/protocol";
import type { Connection } from "@multifrost/transport";
import { describe, expect, it, vi } from "vitest";
import { Admission } from "../../src/session/admission.js";
import { answerHeartbeat } from "../support/heartbeats.js";
import { until } from "../support/until.js";

const codec = createCodec();
const elsewhere = { local: { host: "127.0.0.1", port: 1 }, remote: { host: "127.0.0.1", port: 2 } };

/** A connection that the test plays by hand. */
function connection(properties: Record<string, string> = {}, addresses: Connection["addresses"] = undefined) {
  let onMessage: (bytes: Uint8Array) => void = () => {};
  const accept = vi.fn(() => true);
  const refuse = vi.fn();
  const asked: Uint8Array[] = [];
  const made: Connection = {
    peer: "peer",
    properties: new Map(Object.entries(properties)),
    addresses,
    accept,
    refuse,
    challenge: (bytes) => void asked.push(bytes),
    receive(message) {
      onMessage = message;
    },
  };
  const question = (): HeartbeatMessage => codec.decode(asked[0] ?? new Uint8Array()) as HeartbeatMessage;
  return { made, accept, refuse, asked, question, say: (bytes: Uint8Array) => onMessage(bytes) };
}

describe("a connection with a token", () => {
  it("is accepted at once if the token is right", () => {
    const admission = new Admission(codec);
    const { made, accept, asked } = connection({ "x-token": admission.token });
    admission.consider(made);
    expect(accept).toHaveBeenCalledOnce();
    expect(asked).toEqual([]);
  });

  it.each(["", "guess", "0".repeat(32)])("is refused if the token is %j", (token) => {
    const { made, accept, refuse } = connection({ "x-token": token });
    new Admission(codec).consider(made);
    expect(refuse).toHaveBeenCalledExactlyOnceWith("It brought a wrong token.");
    expect(accept).not.toHaveBeenCalled();
  });

  it("every parent has another token, of 128 bits", () => {
    const tokens = Array.from({ length: 50 }, () => new Admission(codec).token);
    expect(new Set(tokens).size).toBe(50);
    expect(tokens[0]).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("a connection without a token gets a heartbeat, and", () => {
  it("is accepted if the answer brings the token", () => {
    const admission = new Admission(codec);
    const { made, accept, question, say } = connection();
    admission.consider(made);
    expect(accept).not.toHaveBeenCalled();
    const answer = answerHeartbeat(question());
    say(codec.encode({ ...answer, metadata: { ...answer.metadata, token: admission.token } }));
    expect(accept).toHaveBeenCalledOnce();
  });

  it("is accepted if it says that it is ready before it answers, but may say so only once", () => {
    const ready = codec.encode({ type: "ready", id: "x", timestamp: 1 });
    const admission = new Admission(codec);
    const { made, accept, question, say } = connection();
    admission.consider(made);
    say(ready);
    const answer = answerHeartbeat(question());
    say(codec.encode({ ...answer, metadata: { ...answer.metadata, token: admission.token } }));
    expect(accept).toHaveBeenCalledOnce();

    const repeating = connection();
    admission.consider(repeating.made);
    repeating.say(ready);
    expect(repeating.refuse).not.toHaveBeenCalled();
    repeating.say(ready);
    expect(repeating.refuse).toHaveBeenCalledExactlyOnceWith("It did not answer a heartbeat.");
  });

  it("is refused if the answer brings a wrong token", () => {
    const { made, accept, refuse, question, say } = connection();
    new Admission(codec).consider(made);
    const answer = answerHeartbeat(question());
    say(codec.encode({ ...answer, metadata: { ...answer.metadata, token: "guess" } }));
    expect(refuse).toHaveBeenCalledExactlyOnceWith("It brought a wrong token.");
    expect(accept).not.toHaveBeenCalled();
  });

  it.each([
    ["an echo of the question", (asked: Uint8Array) => asked],
    [
      "an answer to another heartbeat",
      () => codec.encode(answerHeartbeat({ type: "heartbeat", id: "x", timestamp: 1 })),
    ],
    ["a forged answer to a call", () => codec.encode(createResponse("x", 1))],
    ["something unreadable", () => Uint8Array.of(0xc1)],
  ])("is refused for %s", (_what, reply) => {
    const { made, accept, refuse, asked, say } = connection();
    new Admission(codec).consider(made);
    say(reply(asked[0] ?? new Uint8Array()));
    expect(refuse).toHaveBeenCalledExactlyOnceWith("It did not answer a heartbeat.");
    expect(accept).not.toHaveBeenCalled();
  });

  it("is refused if a right answer comes from a process that the parent did not start", async () => {
    const admission = new Admission(codec);
    const { made, accept, refuse, question, say } = connection({}, elsewhere);
    admission.consider(made);
    say(codec.encode(answerHeartbeat(question())));
    admission.processStarted(process.pid);
    await until(() => refuse.mock.calls.length === 1);
    expect(refuse).toHaveBeenCalledWith("It is not the process that this parent started.");
    expect(accept).not.toHaveBeenCalled();
  });

  it("is refused if a right answer comes through the private socket, whose children have the token", async () => {
    const admission = new Admission(codec);
    admission.processStarted(process.pid);
    const { made, refuse, question, say } = connection();
    admission.consider(made);
    say(codec.encode(answerHeartbeat(question())));
    await until(() => refuse.mock.calls.length === 1);
  });
});
