// The process at the other end of stdin and stdout.

import { NodeIo, RPCChannel } from "kkrpc";
import { jsonMethods } from "./methods.mjs";

new RPCChannel(new NodeIo(process.stdin, process.stdout), { expose: jsonMethods, serialization: { version: "json" } });
