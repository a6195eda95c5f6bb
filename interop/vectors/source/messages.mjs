// What all vectors share: the fields around a message, and the vector itself.

import { fixmap, float64, str } from "./bytes.mjs";

export const APP = "comlink_ipc_v3";
export const ID = "11111111-2222-4333-8444-555555555555";
export const SECONDS = 1_700_000_000.25;

/** A float as the vectors tell it. */
export const float = (number) => ({ $float: Object.is(number, -0) ? "-0" : `${number}` });

/** An argument that was not given. */
export const NOT_GIVEN = { $undefined: true };

/** The four fields that every message begins with, as key, value, … */
export function head(type, { app = str(APP), id = str(ID), timestamp = float64(SECONDS) } = {}) {
  return [str("app"), app, str("id"), id, str("type"), str(type), str("timestamp"), timestamp];
}

/** The payload of a message: the head, and fields as key, value, … */
export const payload = (type, ...fields) => fixmap(...head(type), ...fields);

/** A vector that is read as this message; of the head, `message` names only what is not as usual. */
export function read(name, rules, hex, message, more = {}) {
  const { type, id = ID, timestamp = float(SECONDS), ...fields } = message;
  const { written = false, ...others } = more;
  return { name, rules, hex, outcome: "read", message: { type, id, timestamp, ...fields }, written, ...others };
}

/** The same, of a message that a writer writes so. */
export const written = (name, rules, hex, message, more = {}) =>
  read(name, rules, hex, message, { written: true, ...more });

export const dropped = (name, rules, hex) => ({ name, rules, hex, outcome: "dropped" });
export const ignored = (name, rules, hex) => ({ name, rules, hex, outcome: "ignored" });

/** A response with this result: the way in which values are shown. */
export const result = (name, rules, hex, value, more) =>
  read(name, rules, payload("response", str("result"), hex), { type: "response", result: value }, more);

/** The same, of a value that a writer writes so. */
export const writtenResult = (name, rules, hex, value, more = {}) =>
  result(name, rules, hex, value, { written: true, ...more });

/** A response whose result makes it unreadable. */
export const droppedResult = (name, rules, hex) => dropped(name, rules, payload("response", str("result"), hex));

/** A call's fields in normal form, where `more` does not say otherwise. */
export const call = (args, more = {}) => ({ type: "call", function: "add", args, namespace: "default", ...more });
