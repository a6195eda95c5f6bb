// Multifrost with deadlines for all calls, or without metrics, circuit breaker and log events, whose methods then do nothing. It
// is imported from its packages: the facade has a copy of their code, which could not be reached.

import { ParentWorker } from "@multifrost/parent";
import { CircuitBreaker, LoggedEvent, Metrics } from "@multifrost/reliability";

export async function open({ measured, options }) {
  if (!measured) {
    stopMeasuring();
  }
  const worker = ParentWorker.spawn(new URL("./multifrost.worker.mjs", import.meta.url), options);
  await worker.start();
  return { add: (a, b) => worker.call.add(a, b), close: () => worker.stop() };
}

function stopMeasuring() {
  const ticket = { admitted: true, trial: false };
  CircuitBreaker.prototype.admit = () => ticket;
  CircuitBreaker.prototype.success = () => {};
  Metrics.prototype.requestStarted = () => {};
  Metrics.prototype.requestEnded = () => {};
  Object.defineProperty(LoggedEvent.prototype, "enabled", { get: () => false });
}
