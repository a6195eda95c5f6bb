// What calls through Multifrost may cost beside other means, as ratios within one run.

/** Each row: a case, whose figure is divided by whose, and the target. `more` wants at least so much, `less` at most. */
export const targets = [
  target("in-flight-128", "multifrost", "fork-json", 1),
  target("sequential", "multifrost", "fork-json", 1.3),
  target("in-flight-128", "multifrost", "bare-zeromq", 3.5),
  target("sequential", "multifrost", "bare-zeromq", 0.45),
  target("in-flight-128", "multifrost-zeromq", "bare-zeromq", 0.7),
  target("sequential", "multifrost-zeromq", "bare-zeromq", 1.25),
  target("echo-1-mib", "multifrost", "bare-zeromq", 1),
  target("echo-16-mib", "multifrost", "bare-zeromq", 1),
  target("echo-1-mib", "multifrost-zeromq", "bare-zeromq", 0.9),
  target("echo-16-mib", "multifrost-zeromq", "bare-zeromq", 0.9),
  target("start", "multifrost", "bare-tcp", 1.35),
];

function target(id, of, to, limit) {
  return { case: id, of, to, limit };
}
