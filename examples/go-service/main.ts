// Starts the service, calls it from two independent clients and a third one, and checks the answers.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ParentWorker, RemoteCallError } from "multifrost";
import { LEADERBOARD_HASH, type Leaderboard } from "./leaderboard.js";

const name = `leaderboard-${process.pid}`;
const program = fileURLToPath(new URL("./leaderboard", import.meta.url));

const service = spawn(program, [name], { stdio: "inherit" });
await once(service, "spawn").catch(() => {
  throw new Error("Build the service first: (cd examples/go-service && go build)");
});
try {
  await Promise.all([play("Ada", 300), play("Grace", 500)]);
  await readScores();
} finally {
  service.kill("SIGTERM");
  await once(service, "exit");
}
assert.equal(service.exitCode, 0);
console.log("Everything worked.");

/** One client, with its connection and its calls. */
async function play(player: string, score: number): Promise<void> {
  await using worker = await ParentWorker.connect<Leaderboard>(name, {
    timeout: 20_000,
    // Warns if the service no longer matches these types.
    interfaceHash: LEADERBOARD_HASH,
  });
  await worker.start();
  const standing = await worker.call.submit(player, score);
  assert.equal(standing.player, player);
  console.log(`${player} has ${standing.score} points, place ${standing.place}`);
  const refused = await worker.call.submit(player, -1).catch((error: unknown) => error);
  assert.ok(refused instanceof RemoteCallError);
  console.log(`submit("${player}", -1) → ${refused.remoteMessage}`);
}

/** A third client sees the scores of the others: the service holds the state. */
async function readScores(): Promise<void> {
  await using worker = await ParentWorker.connect<Leaderboard>(name);
  await worker.start();
  const top = await worker.call.top(10);
  assert.deepEqual(top, [
    { player: "Grace", score: 500, place: 1 },
    { player: "Ada", score: 300, place: 2 },
  ]);
  console.log(`top(10) → ${top.map((one) => `${one.place}. ${one.player} (${one.score})`).join(", ")}`);
}
