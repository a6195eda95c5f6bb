// Multifrost without metrics, circuit breaker and log events: their methods do nothing. Shows what they cost.

import { CircuitBreaker, EventLog, Metrics } from "@multifrost/reliability";

const ticket = { admitted: true, trial: false };
CircuitBreaker.prototype.admit = () => ticket;
CircuitBreaker.prototype.success = () => {};
Metrics.prototype.requestStarted = () => {};
Metrics.prototype.requestEnded = () => {};
EventLog.prototype.enabled = () => false;

export { open } from "./multifrost.mjs";
