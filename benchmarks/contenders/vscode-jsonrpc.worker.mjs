// The process at the other end of stdin and stdout.

import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node";
import { jsonMethods } from "./methods.mjs";

const rpc = createMessageConnection(new StreamMessageReader(process.stdin), new StreamMessageWriter(process.stdout));
for (const [name, method] of Object.entries(jsonMethods)) {
  rpc.onRequest(name, method);
}
rpc.onClose(() => process.exit());
rpc.listen();
