// The server. It prints its port.

import { createServer } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Bench } from "./bench_pb.js";

const routes = (router) =>
  router.service(Bench, {
    add: ({ a, b }) => ({ sum: a + b }),
    echo: (request) => request,
    object: (request) => request,
    wait: () => new Promise(() => {}),
  });
const server = createServer(connectNodeAdapter({ routes }));
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}`));
process.stdin.once("end", () => process.exit()).resume();
