// What calls through Multifrost may cost, as ratios within one run or as figures.

/** Each: a case, whose figure, divided by whose (or by nothing), and the limit. Rates are at least so much, times and memory at most. */
export const targets = [
  target("in-flight-128", "multifrost", "fork-json", 1),
  target("sequential", "multifrost", "fork-json", 1.3),
  target("in-flight-128", "multifrost", "bare-zeromq", 3.5),
  target("sequential", "multifrost", "bare-zeromq", 0.45),
  target("in-flight-128", "multifrost-zeromq", "bare-zeromq", 0.7),
  target("sequential", "multifrost-zeromq", "bare-zeromq", 1.25),
  target("in-flight-128", "multifrost", "grpc-js", 15),
  target("in-flight-128", "multifrost", "piscina", 1.5),
  target("in-flight-128", "multifrost", "workerpool", 3),
  target("in-flight-128", "multifrost-22", "procwire", 1.3),
  target("sequential", "multifrost-22", "procwire", 1.1),
  target("echo-1-mib", "multifrost", "bare-zeromq", 1),
  target("echo-16-mib", "multifrost", "bare-zeromq", 1),
  target("echo-1-mib", "multifrost-zeromq", "bare-zeromq", 0.9, 0.5),
  target("echo-16-mib", "multifrost-zeromq", "bare-zeromq", 0.9),
  target("start", "multifrost", "bare-tcp", 1.35, 1.9),
  target("start", "multifrost-22", "procwire", 1),
  target("in-flight-128", "python", "python-shell", 1),
  target("in-flight-128", "python", "pythonia", 3),
  target("in-flight-128", "python", "grpcio", 25),
  target("in-flight-128", "python", "grpcio-asyncio", 25),
  target("sequential", "python", "python-shell", 1.5),
  target("in-flight-128", "python-zeromq", "python-bare-zeromq", 0.6),
  target("sequential", "python-zeromq", "python-bare-zeromq", 1.4),
  target("pending-memory", "multifrost", undefined, 1.2),
  target("in-flight-128", "multifrost-measured", "multifrost-unmeasured", 0.92),
  target("sequential", "multifrost-measured", "multifrost-unmeasured", 1.08),
];

/** Of 1,000 parents of one service: their rate divided by that of one, and the KiB that an idle one takes. */
export const PARENTS_RATIO = 0.7;
export const IDLE_PARENT_KIB = 60;

/** @param band What CI holds the ratio to where the target is not reached yet. Default: the target. */
function target(id, of, to, limit, band = limit) {
  return { case: id, of, to, limit, band };
}
