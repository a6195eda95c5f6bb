// The protocol package alone, as the author of a sniffer or of a worker in another runtime uses it.

import assert from "node:assert/strict";
import { createCall, createCodec } from "@multifrost/protocol";
import { MalformedMessageError, MultifrostError } from "@multifrost/protocol/errors";

const codec = createCodec();
const call = createCall({
  function: "add",
  args: [1, 2n ** 60n, "text", Uint8Array.of(1, 2, 3), { nested: [null, true] }],
});
assert.deepEqual(codec.decode(codec.encode(call)), call);
assert.throws(
  () => codec.decode(Uint8Array.of(0xc1)),
  (error) => error instanceof MalformedMessageError && error instanceof MultifrostError,
);
console.log("done");
