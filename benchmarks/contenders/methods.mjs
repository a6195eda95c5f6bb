// What the other end of every contender offers.

import { fromBase64, toBase64 } from "./base64.mjs";

export const methods = {
  add: (a, b) => a + b,
  echo: (bytes) => bytes,
  object: (value) => value,
  wait: () => new Promise(() => {}),
};

/** For messages in JSON: the bytes are made bytes at this end too. */
export const jsonMethods = { ...methods, echo: (text) => toBase64(fromBase64(text)) };
