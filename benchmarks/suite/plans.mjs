// What runs: cases, with the contenders of each.

import { contenders } from "../contenders/list.mjs";
import { cases } from "./cases.mjs";

const everyone = contenders.filter(({ aside }) => aside !== true).map(({ id }) => id);

/** The ratios that CI checks. */
export const SHORT = [
  short("in-flight-128", "multifrost", "fork-json", "multifrost-zeromq", "bare-zeromq"),
  short("sequential", "multifrost", "fork-json", "multifrost-zeromq", "bare-zeromq"),
  short("echo-1-mib", "multifrost", "bare-zeromq", "multifrost-zeromq"),
  { ...short("start", "multifrost", "bare-tcp"), repetitions: 11 },
];

/** Every case with everyone who can do it. */
export const FULL = Object.keys(cases).map((id) => full(id));

/** What parts of Multifrost cost: a few per cent, which only many short repetitions tell from other load on the machine. */
export const PARTS = ["in-flight-128", "sequential"].map((id) => ({
  ...short(id, "multifrost-measured", "multifrost-unmeasured"),
  repetitions: 81,
  ms: 60,
}));

/** Some cases with some contenders. */
export function chosen(ids = Object.keys(cases), participants = everyone) {
  return ids.map((id) => ({ ...short(id), contenders: participants }));
}

function short(id, ...participants) {
  return { case: id, contenders: participants, repetitions: 21, ms: 120 };
}

function full(id) {
  return { case: id, contenders: everyone, repetitions: 5, ms: 250 };
}
