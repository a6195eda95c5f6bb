// Starts the worker and the HTTP service. With a port it serves until Ctrl-C; without one it sends itself requests and
// checks the answers.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { ParentWorker } from "multifrost";
import { createWineServer } from "./server.js";
import { type Prediction, WINE_MODEL_HASH, type WineModel } from "./wine-model.js";

const port = process.argv[2];

const worker = ParentWorker.spawn<WineModel>(new URL("./wine_model.py", import.meta.url), {
  // A model that crashes is restarted; a request waits for it for at most ten seconds.
  autoRestart: true,
  defaultTimeout: 10_000,
  // Warns if the worker no longer matches these types.
  interfaceHash: WINE_MODEL_HASH,
});
await worker.start();
const server = createWineServer(worker).listen(Number(port ?? 0), "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

if (port === undefined) {
  await check();
  await close();
} else {
  console.log(`serving on ${url}; try ${url}/features`);
  process.once("SIGINT", () => void close());
}

async function check(): Promise<void> {
  const accuracy = await worker.call.accuracy();
  assert.ok(accuracy > 0.9);
  console.log(`the model is right about ${(100 * accuracy).toFixed(1)} % of the wines`);

  const { status, body } = await ask({ wines: await worker.call.unseen(3) });
  assert.equal(status, 200);
  const { predictions } = body as { predictions: Prediction[] };
  assert.equal(predictions.length, 3);
  for (const { grower, probability } of predictions) {
    assert.match(grower, /^class_[012]$/);
    assert.ok(probability > 1 / 3 && probability <= 1);
    console.log(`POST /predictions → ${grower}, ${(100 * probability).toFixed(0)} % sure`);
  }

  const refused = await ask({ wines: [[1, 2, 3]] });
  assert.deepEqual(refused, { status: 422, body: { error: "a wine is 13 numbers; see features()" } });
  console.log(`a wine of three numbers → ${refused.status}: ${JSON.stringify(refused.body)}`);
  console.log("Everything worked.");
}

async function ask(question: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url}/predictions`, { method: "POST", body: JSON.stringify(question) });
  return { status: response.status, body: await response.json() };
}

async function close(): Promise<void> {
  server.close();
  server.closeAllConnections();
  await worker.stop();
}
