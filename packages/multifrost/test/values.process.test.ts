import type { ParentWorker } from "multifrost";
import { describe, expect, it } from "vitest";
import { VALUE_ROWS } from "./values.js";
import { ECHO_SCRIPT, type EchoWorker, hasPython, PYTHON_SCRIPT, service, spawned } from "./workers.js";

const BINARY_SIZES = [0, 1, 127, 128, 129, 2 ** 20, 32 * 2 ** 20];

async function echoesEveryRow(worker: ParentWorker<EchoWorker>): Promise<void> {
  for (const { name, sent, ...row } of VALUE_ROWS) {
    const back = await worker.call.echo(sent);
    expect.soft(back, name).toStrictEqual("back" in row ? row.back : sent);
  }
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255);
}

async function echoesBinary(worker: ParentWorker<EchoWorker>): Promise<void> {
  for (const size of BINARY_SIZES) {
    const sent = pattern(size);
    const back = (await worker.call.echo(sent)) as Uint8Array;
    expect(Buffer.compare(sent, back), `${size} bytes`).toBe(0);
  }
}

describe("values between TypeScript and TypeScript", () => {
  it("[VAL-1] every row of the value table comes back as the table says", async () => {
    await echoesEveryRow(await spawned());
  });

  it("[VAL-7] binary of any size arrives bit by bit", async () => {
    await echoesBinary(await spawned());
  });

  it("[VAL-7] binary in flight is not changed by the messages after it", async () => {
    const worker = await spawned();
    const sums = Array.from({ length: 50 }, (_, n) => worker.call.checksum(new Uint8Array(100_000).fill(n)));
    const fills = Array.from({ length: 50 }, (_, n) => worker.call.fill(100_000, n));
    const expected = (n: number): number => {
      let sum = 0;
      for (let index = 0; index < 100_000; index++) {
        sum = (sum * 31 + n) >>> 0;
      }
      return sum;
    };
    expect(await Promise.all(sums)).toEqual(sums.map((_, n) => [100_000, expected(n)]));
    for (const [n, bytes] of (await Promise.all(fills)).entries()) {
      expect(bytes.every((byte) => byte === n)).toBe(true);
    }
  });

  it("[VAL-9] a result of null is null and of undefined is undefined, as MSG-8 tells them apart", async () => {
    const worker = await spawned();
    expect(await worker.call.echo(null)).toBe(null);
    expect(await worker.callFunction("echo", [])).toBe(undefined);
  });

  it("[CALL-8] undefined lets the default of its parameter apply, also with other arguments behind it", async () => {
    const worker = await spawned();
    const found = { id: 1, limit: 10, hasOptions: false };
    expect(await worker.callFunction("find", [1, undefined])).toEqual(found);
    expect(await worker.callFunction("find", [1, undefined, {}])).toEqual({ ...found, hasOptions: true });
    expect(await worker.callFunction("find", [1, null, null])).toEqual({ id: 1, limit: null, hasOptions: false });
    await worker.restart();
    expect(await worker.callFunction("find", [1, undefined, {}])).toEqual({ ...found, hasOptions: true });
  });

  it("every row comes back in connect mode too", async () => {
    await echoesEveryRow(await service(process.execPath, ECHO_SCRIPT).connect());
  });
});

describe.runIf(hasPython)("values between TypeScript and Python", () => {
  it("every row of the value table comes back as the table says", async () => {
    await echoesEveryRow(await spawned(PYTHON_SCRIPT));
  });

  it("binary of any size arrives bit by bit", { timeout: 60_000 }, async () => {
    await echoesBinary(await spawned(PYTHON_SCRIPT));
  });

  it("[CALL-8] undefined lets the default of its parameter apply, also with other arguments behind it", async () => {
    const worker = await spawned();
    const found = { id: 1, limit: 10, hasOptions: false };
    expect(await worker.callFunction("find", [1, undefined])).toEqual(found);
    expect(await worker.callFunction("find", [1, undefined, {}])).toEqual({ ...found, hasOptions: true });
    expect(await worker.callFunction("find", [1, null, null])).toEqual({ id: 1, limit: null, hasOptions: false });
    await worker.restart();
    expect(await worker.callFunction("find", [1, undefined, {}])).toEqual({ ...found, hasOptions: true });
  });

  it("every row comes back in connect mode too", async () => {
    await echoesEveryRow(await service("python3", PYTHON_SCRIPT).connect());
  });
});
