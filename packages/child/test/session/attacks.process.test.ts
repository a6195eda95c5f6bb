// What one parent of a service does costs the others a bounded delay and memory. The attacks are those of interop/attacks.mjs, in
// short forms; interop/attack-service.mjs prints the figures of the long ones.

import { readFileSync } from "node:fs";
import { zmtpClient } from "@multifrost/transport";
import { describe, expect, onTestFinished, test } from "vitest";
import { openParent } from "../support/parent.js";
import { startService } from "../support/services.js";

interface Attacker {
  end(): void;
}

const { attacks } = (await import(new URL("../../../../interop/attacks.mjs", import.meta.url).href)) as {
  attacks: Record<string, (port: number, short: boolean) => Promise<Attacker[]>>;
};

const MIB = 1024 * 1024;

/** Resident memory of a process, in bytes; 0 where the system does not tell. */
function resident(pid: number, name: "VmRSS" | "VmHWM"): number {
  if (process.platform !== "linux") {
    return 0;
  }
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024;
}

describe.each(Object.keys(attacks))("[LIM-6] a service under attack: %s", (name) => {
  test("takes bounded memory, and answers another parent", { timeout: 120_000 }, async () => {
    const { pid, port } = await startService("../../../../interop/attacked/service.mjs", "attacked", {}, "zmtp");
    const parent = await openParent(zmtpClient({ connect: { port } }));
    await parent.call("add", [1, 2]);
    const before = resident(pid, "VmRSS");
    let isOver = false;
    const attack = attacks[name]?.(port, true).finally(() => {
      isOver = true;
    });
    const answers = new Set<unknown>();
    for (let count = 0; count < 10 || !isOver; count++) {
      const { id } = parent.fire("add", [count, -count]);
      const answer = await parent.answer(id, 60_000);
      answers.add(answer.type === "response" ? answer.result : answer);
      parent.forget();
    }
    const attackers = (await attack) ?? [];
    onTestFinished(() => {
      for (const attacker of attackers) {
        attacker.end();
      }
    });
    expect(await parent.call("add", [1, 2])).toMatchObject({ result: 3 });
    expect([...answers]).toEqual([0]);
    expect(resident(pid, "VmHWM") - before).toBeLessThan(800 * MIB);
  });
});
