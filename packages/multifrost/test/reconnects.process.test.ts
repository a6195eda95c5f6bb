// A connection to a service that breaks again and again, in the middle of calls: each call settles, an answer that arrived is
// never lost, and no call is run twice.

import type { ServiceRegistry } from "@multifrost/registry";
import { MultifrostError, type ParentWorker } from "multifrost";
import { expect, it } from "vitest";
import { CuttingProxy } from "./cutting-proxy.js";
import { atEnd, ECHO_SCRIPT, type EchoWorker, service } from "./workers.js";

/** The long form is `MULTIFROST_RECONNECTS=200 MULTIFROST_CALLS=200000`. */
const CUTS = Number(process.env.MULTIFROST_RECONNECTS ?? 10);
const CALLS = Number(process.env.MULTIFROST_CALLS ?? 5000);
const IN_FLIGHT = 64;

/** What a call that was under way when its connection broke rejects with. */
const BROKEN = ["CONNECTION_LOST"];

it(`${CALLS} calls over ${CUTS} reconnects: nothing is lost that arrived`, { timeout: 600_000 }, async () => {
  const { registry, connect } = service(process.execPath, ECHO_SCRIPT, "zmtp");
  const proxy = await CuttingProxy.open(async () => (await registry.discover("echo-service")).port);
  atEnd(() => proxy.close());
  const worker = await connect({
    registry: behind(proxy, registry),
    restartBackoff: 0.001,
    restartWindow: 0.001,
    maxRestartAttempts: 1_000_000,
    logger: false,
  });
  const tally = await callWhileCutting(worker, proxy);
  await worker.stop();
  proxy.close();
  const { inOrder, abrupt } = proxy.answers;
  const { answered, ran } = tally;
  console.log(JSON.stringify({ ...tally, cuts: proxy.cuts, passedOn: { inOrder, abrupt } }));
  expect(answered + sum(tally.rejected)).toBe(CALLS);
  expect(Object.keys(tally.rejected).filter((code) => !BROKEN.includes(code))).toEqual([]);
  expect(tally.wrong).toBe(0);
  expect(ran).toBeGreaterThanOrEqual(answered);
  expect(ran).toBeLessThanOrEqual(CALLS);
  // One more answer was passed on: that of the question how many calls were run.
  expect(answered + 1).toBeGreaterThanOrEqual(inOrder);
  expect(answered + 1).toBeLessThanOrEqual(inOrder + abrupt);
  expect(proxy.cuts).toBeGreaterThanOrEqual(CUTS);
});

async function callWhileCutting(worker: ParentWorker<EchoWorker>, proxy: CuttingProxy) {
  const rejected: Record<string, number> = {};
  const before = new Set<number>();
  let [made, answered, wrong, cuts] = [0, 0, 0, 0];
  const lane = async () => {
    while (made < CALLS) {
      const tag = made++;
      if (made > ((cuts + 1) * CALLS) / (CUTS + 1)) {
        cuts++;
        proxy.cutNext(cuts % 2 === 0 ? "in order" : "reset");
      }
      try {
        const [answeredTag, ranBefore] = await worker.call.count(tag);
        wrong += answeredTag === tag && !before.has(ranBefore) ? 0 : 1;
        before.add(ranBefore);
        answered++;
      } catch (error) {
        const code = error instanceof MultifrostError ? error.code : String(error);
        rejected[code] = (rejected[code] ?? 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const [, ran] = await worker.call.count(-1);
  return { calls: made, answered, rejected, wrong, ran };
}

function behind({ port }: CuttingProxy, registry: ServiceRegistry): ServiceRegistry {
  return {
    register: (registration) => registry.register(registration),
    discover: async (id, options) => ({ ...(await registry.discover(id, options)), port }),
    list: () => registry.list(),
    unregister: (id, pid) => registry.unregister(id, pid),
    prune: () => registry.prune(),
  };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
