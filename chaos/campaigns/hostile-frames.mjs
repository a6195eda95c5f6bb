// Mutated messages and mutated ZMTP conversations to a child and to a parent over each transport: nothing crashes, memory does not
// grow, and honest calls are answered meanwhile.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseTcpEndpoint, zmtpClient } from "@multifrost/transport";
import { ParentWorker } from "multifrost";
import { pause } from "../callers.mjs";
import { ChildAttack } from "../frames/attack-child.mjs";
import { ParentAttack } from "../frames/attack-parent.mjs";
import { slopePer1000 } from "../slope.mjs";

const TARGET = fileURLToPath(new URL("../programs/frame-target.mjs", import.meta.url));
const SAMPLES = 20;
const SETTLED_WITHIN_MS = 30_000;

/** What 1,000 frames may add. */
const MOST_PER_1000 = {
  "heap and buffers, kB": 5,
  "resident memory, kB": 20,
  descriptors: 0.02,
  timers: 0.02,
  "other resources of the event loop": 0.02,
  listeners: 0.02,
};

export async function hostileFrames({ times, random }) {
  const figures = [];
  for (const side of ["child", "parent"]) {
    for (const transport of ["zmtp", "zeromq", "memory"]) {
      figures.push(...(await attackOne(side, transport, times, random)));
    }
  }
  return figures;
}

async function attackOne(side, transport, times, random) {
  const inside = transport === "memory";
  const args = [side, transport, `${Math.floor(random() * 2 ** 31)}`];
  const target = fork(TARGET, args, {
    // Hostile workers send output too, which a parent prints.
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(target, "exit").then(([code, signal]) => {
    throw new Error(`The ${side} over ${transport} ended with ${code ?? signal}.`);
  });
  ended.catch(() => {});
  const answer = async (message) => {
    const answered = once(target, "message");
    if (message !== undefined) {
      target.send(message);
    }
    const [said] = await Promise.race([answered, ended]);
    return said;
  };
  const from = performance.now();
  const { endpoint } = await answer();
  const Attack = side === "child" ? ChildAttack : ParentAttack;
  const attack = inside ? undefined : await Attack.open(endpoint, random);
  const honest = side === "child" && !inside ? await HonestCaller.start(endpoint) : undefined;
  const samples = [];
  const each = Math.ceil(times / SAMPLES);
  for (let count = 1; count <= SAMPLES; count += 1) {
    await Promise.race([attack?.send(each), ended]);
    samples.push({ frames: count * each, ...(await answer({ send: inside ? each : 0 })) });
  }
  const last = samples.at(-1);
  const before = honest?.answered ?? last.answered;
  // An honest call after all of it.
  await (honest?.once() ?? untilAnswered(() => answer({ send: 0 }), before));
  const { answered, wrong, failed } = honest ?? (await answer({ send: 0 }));
  await honest?.stop();
  await attack?.close();
  target.kill("SIGKILL");
  const name = `${side} over ${transport}`;
  const perSecond = Math.round((SAMPLES * each * 1000) / (performance.now() - from));
  return [
    { title: `${name}: hostile frames`, value: SAMPLES * each },
    { title: `${name}: a second`, value: perSecond },
    { title: `${name}: honest calls answered meanwhile`, value: answered },
    { title: `${name}: honest calls that failed or were wrong`, value: failed + wrong, most: 0 },
    { title: `${name}: unhandled rejections and exceptions`, value: last.unhandled, most: 0 },
    { title: `${name}: resident memory at the end, MB`, value: last.held["resident memory, kB"] / 1_000 },
    ...Object.entries(MOST_PER_1000).map(([what, most]) => ({
      title: `${name}: ${what}, per 1 000`,
      value: slopePer1000(samples.map(({ frames, held }) => [frames, held[what]])),
      most,
      isTime: true,
    })),
  ];
}

async function untilAnswered(sample, before) {
  const end = performance.now() + SETTLED_WITHIN_MS;
  while ((await sample()).answered <= before) {
    if (performance.now() > end) {
      throw new Error(`No honest call was answered within ${SETTLED_WITHIN_MS} ms after the last frame.`);
    }
    await pause(1);
  }
}

/** A parent of the child that is attacked. */
class HonestCaller {
  answered = 0;
  wrong = 0;
  failed = 0;
  #parent;
  #isOver = false;
  #calling;

  static async start(endpoint) {
    const caller = new HonestCaller();
    const { port } = parseTcpEndpoint(endpoint);
    caller.#parent = new ParentWorker({ transport: zmtpClient({ connect: { port } }), logger: false });
    await caller.#parent.start();
    caller.#calling = caller.#callOn();
    return caller;
  }

  async once() {
    const number = Math.floor(this.answered / 2);
    try {
      this[(await this.#parent.call.echo(number)) === number ? "answered" : "wrong"] += 1;
    } catch (error) {
      this.failed += 1;
      console.error(error);
    }
  }

  async stop() {
    this.#isOver = true;
    await this.#calling;
    await this.#parent.stop();
  }

  async #callOn() {
    while (!this.#isOver) {
      await this.once();
      await pause(1);
    }
  }
}
