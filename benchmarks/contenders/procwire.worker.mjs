// The module that procwire runs.

import { Client } from "@procwire/client";
import { msgpackCodec, rawCodec } from "@procwire/codecs";

await new Client()
  .handle("add", ({ a, b }, context) => context.respond(a + b), { codec: msgpackCodec })
  .handle("object", (value, context) => context.respond(value), { codec: msgpackCodec })
  .handle("wait", () => {}, { codec: msgpackCodec })
  .handle("echo", (bytes, context) => context.respond(bytes), { codec: rawCodec })
  .start();
