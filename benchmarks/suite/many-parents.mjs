// Many parents of one service, in one process: how fast they are together, and what an idle one takes. Prints JSON.

import { startBareService } from "../contenders/bare-net-service.mjs";
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
  await rate([() => parents[0].call.add(1, 2)], { each: 128 }, 500);
  const before = { here: memory(), service: residentBytes(service.pid) };
  while (parents.length < count) {
    parents.push(await service.connect());
  }
  const perParent = (bytes) => bytes / 1024 / (count - 1);
  services.push({
    ...service,
    parents,
    kibPerParent: {
      parent: perParent(memory() - before.here),
      service: perParent(residentBytes(service.pid) - before.service),
    },
  });
}
const bare = [];
for (const count of COUNTS) {
  const service = await startBareService();
  const parents = [];
  while (parents.length < count) {
    parents.push(await service.connect());
  }
  bare.push({ ...service, parents });
}
const adds = services.map(({ parents }) => parents.map((parent) => () => parent.call.add(1, 2)));
const bareAdds = bare.map(({ parents }) => parents.map((parent) => parent.add));
const loads = [];
for (const load of LOADS.slice(0, -1)) {
  loads.push({ ...load, rows: rows(await rates(adds, load)) });
}
/** Where calls do not share a write, bare sockets show what the system allows: both are measured in turn. */
const load = LOADS.at(-1);
const both = await rates([...adds, ...bareAdds], load);
const [ours, theirs] = [both.slice(0, COUNTS.length), both.slice(COUNTS.length)];
loads.push({ ...load, rows: rows(ours) });
const kept = (measured) => measured.at(-1).map((value, repetition) => value / measured[0][repetition]);
const keptByBare = kept(theirs);
/** What is left of one parent's rate with the most parents, divided by the same of bare sockets. */
const toBare = spread(kept(ours).map((value, repetition) => value / keptByBare[repetition]));
const kibPerParent = services
  .filter(({ parents }) => parents.length > 1)
  .map(({ parents, kibPerParent }) => ({ parents: parents.length, ...kibPerParent }));
console.log(JSON.stringify({ loads, bare: { ...load, rows: rows(theirs), toBare }, kibPerParent }));
await Promise.all(services.flatMap(({ parents }) => parents.map((parent) => parent.stop())));
await Promise.all([...services, ...bare].map((service) => service.close()));

/** The rates under a load, measured in turn: those of one list of callers in one list. */
async function rates(callers, load) {
  for (const calls of callers) {
    await rate(calls, load, 300);
  }
  const measured = callers.map(() => []);
  for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
    for (const [index, calls] of callers.entries()) {
      measured[index].push(await rate(calls, load, REPETITION_MS));
    }
  }
  return measured;
}

/** A row for each number of parents; `ratio` is to one parent. */
function rows(measured) {
  return COUNTS.map((parents, index) => ({
    parents,
    rate: spread(measured[index]),
    ratio: spread(measured[index].map((value, repetition) => value / measured[0][repetition])),
  }));
}

/** Calls per second. */
async function rate(calls, { each = 0, inAll = 0 }, ms) {
  const begin = performance.now();
  const end = begin + ms;
  let made = 0;
  const lane = async (next) => {
    while (performance.now() < end) {
      made += 1;
      await next()();
    }
  };
  const own = calls.flatMap((call) => Array.from({ length: each }, () => lane(() => call)));
  const shared = Array.from({ length: inAll }, () => lane(() => calls[made % calls.length]));
  await Promise.all([...own, ...shared]);
  return (made / (performance.now() - begin)) * 1000;
}
