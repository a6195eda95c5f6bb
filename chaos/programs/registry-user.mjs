// Registers, finds and unregisters services in the registry in CHAOS_DIRECTORY, CHAOS_ROUNDS times, and sends what came of each round.

import { createFileRegistry } from "@multifrost/registry";

const registry = createFileRegistry({ directory: process.env.CHAOS_DIRECTORY });
const rounds = Number(process.env.CHAOS_ROUNDS);
/** Nothing listens there; the registry does not ask entries of living processes. */
const port = 1 + (process.pid % 65_535);

for (let round = 0; round < rounds; round += 1) {
  const serviceId = `service-${process.pid}-${round}`;
  const problems = [];
  const expect = (holds, problem) => {
    if (!holds) {
      problems.push(problem);
    }
  };
  const timings = [];
  const timed = async (work) => {
    const from = performance.now();
    try {
      return await work();
    } catch (error) {
      problems.push(error.code ?? error.message);
      return undefined;
    } finally {
      timings.push(performance.now() - from);
    }
  };
  await timed(() => registry.register({ serviceId, port }));
  const found = await timed(() => registry.discover(serviceId, { timeoutMs: 0 }));
  expect(found?.port === port && found?.pid === process.pid, "found another entry");
  const again = await timed(() => registry.register({ serviceId, port }).catch((error) => error.code));
  expect(again === "SERVICE_EXISTS", "registered twice");
  const removed = await timed(() => registry.unregister(serviceId));
  expect(removed, "not unregistered");
  const gone = await timed(() => registry.discover(serviceId, { timeoutMs: 0 }).catch((error) => error.code));
  expect(gone === "SERVICE_NOT_FOUND", "found after unregistering");
  process.send({ problems, timings });
}
process.disconnect();
