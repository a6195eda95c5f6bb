// The messages that are measured: small calls and answers, and values of each kind.

const id = "11111111-2222-4333-8444-555555555555";
const timestamp = 1_764_000_000.123;

/** Each message with its name. */
export function messages() {
  const call = (args) => ({ type: "call", id, timestamp, function: "add", args, namespace: "default" });
  const response = (result) => ({ type: "response", id, timestamp, result });
  return new Map([
    ["call add(1, 2)", call([1, 2])],
    ["response 3", response(3)],
    ["1,000 nested fields", response(nested())],
    ["100 records", response(Array.from({ length: 100 }, (_, index) => record(index)))],
    ["1,000 integers", response(Array.from({ length: 1000 }, (_, index) => index * 37))],
    ["1,000 floats", response(Array.from({ length: 1000 }, (_, index) => index + 0.25))],
    ["1,000 texts", response(Array.from({ length: 1000 }, (_, index) => `item ${index}`))],
    ["1 KiB of ASCII", response("x".repeat(1024))],
    ["1 KiB of other text", response("é".repeat(512))],
    ["64 KiB of binary", response(new Uint8Array(64 * 1024).fill(7))],
    ["1 MiB of binary", response(new Uint8Array(1024 * 1024).fill(7))],
  ]);
}

function nested() {
  const groups = Array.from({ length: 10 }, (_, group) => {
    const fields = Array.from({ length: 100 }, (_, index) => [`field_${group * 100 + index}`, fieldOf(group, index)]);
    return [`group_${group}`, Object.fromEntries(fields)];
  });
  return Object.fromEntries(groups);
}

function fieldOf(group, index) {
  return [index * group, `value ${index}`, index % 8 === 2, { x: index + 0.5 }][index % 4];
}

function record(index) {
  return {
    id: index,
    name: `user ${index}`,
    email: `user${index}@example.com`,
    age: 20 + (index % 50),
    active: index % 2 === 0,
    balance: index * 1.25,
  };
}
