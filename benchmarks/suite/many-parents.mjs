// Many parents of one service, in one process: how fast they are together, and what an idle one takes. Prints JSON.

import { startService } from "../contenders/multifrost-service.mjs";
import { memory, residentBytes } from "./memory.mjs";
import { spread } from "./quantiles.mjs";

const COUNTS = [1, 10, 100, 1000];
const REPETITIONS = 5;
const REPETITION_MS = 250;

/** Calls in flight: so many at each parent, or so many in all, where the next call is made by the next parent. */
const LOADS = [{ each: 1 }, { each: 16 }, { inAll: 128 }];

const services = [];
for (const count of COUNTS) {
  const service = await startService();
  const parents = [await service.connect()];
  await rate(parents, { each: 128 }, 500);
  const before = { here: memory(), service: residentBytes(service.pid) };
  while (parents.length < count) {
    parents.push(await service.connect());
  }
  const perParent = (bytes) => bytes / 1024 / (count - 1);
  services.push({
    ...service,
    count,
    parents,
    kibPerParent: {
      parent: perParent(memory() - before.here),
      service: perParent(residentBytes(service.pid) - before.service),
    },
  });
}
const loads = [];
for (const load of LOADS) {
  for (const { parents } of services) {
    await rate(parents, load, 300);
  }
  const rates = services.map(() => []);
  for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
    for (const [index, { parents }] of services.entries()) {
      rates[index].push(await rate(parents, load, REPETITION_MS));
    }
  }
  const rows = services.map(({ count }, index) => ({
    parents: count,
    rate: spread(rates[index]),
    ratio: spread(rates[index].map((value, repetition) => value / rates[0][repetition])),
  }));
  loads.push({ ...load, rows });
}
const kibPerParent = services
  .filter(({ count }) => count > 1)
  .map(({ count, kibPerParent }) => ({ parents: count, ...kibPerParent }));
console.log(JSON.stringify({ loads, kibPerParent }));
await Promise.all(services.flatMap(({ parents }) => parents.map((parent) => parent.stop())));
await Promise.all(services.map((service) => service.close()));

/** Calls per second. */
async function rate(parents, { each = 0, inAll = 0 }, ms) {
  const begin = performance.now();
  const end = begin + ms;
  let calls = 0;
  const lane = async (next) => {
    while (performance.now() < end) {
      calls += 1;
      await next().call.add(1, 2);
    }
  };
  const own = parents.flatMap((parent) => Array.from({ length: each }, () => lane(() => parent)));
  const shared = Array.from({ length: inAll }, () => lane(() => parents[calls % parents.length]));
  await Promise.all([...own, ...shared]);
  return (calls / (performance.now() - begin)) * 1000;
}
