// A worker on this transport: `tsx worker.ts [port]`. Its first line of output is its endpoint. It ends when its stdin
// ends, so that it does not outlive the process that started it.

import { setTimeout as sleep } from "node:timers/promises";
import { ChildWorker } from "multifrost";
import { netServer } from "./net-server.js";

export class WordWorker extends ChildWorker {
  shout(text: string): string {
    return `${text.toUpperCase()}!`;
  }

  reverse(bytes: Uint8Array): Uint8Array {
    return bytes.slice().reverse();
  }

  repeat(text: string, times: number): string {
    if (times < 0) {
      throw new RangeError(`a text cannot be repeated ${times} times`);
    }
    return text.repeat(times);
  }

  async takeAMinute(): Promise<string> {
    await sleep(60_000);
    return "here you are";
  }
}

const worker = new WordWorker({ transport: netServer({ port: Number(process.argv[2] ?? 0) }), stopTimeout: 0 });
await worker.run();
console.log(worker.endpoint);

process.stdin.resume().once("end", () => worker.stop());
