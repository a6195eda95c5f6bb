// What the other end of every contender offers.

export const methods = {
  add: (a, b) => a + b,
  echo: (bytes) => bytes,
  object: (value) => value,
};
