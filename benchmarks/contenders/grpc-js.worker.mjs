// The gRPC server. It prints its port, and ends with its stdin.

import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import { Bench, LIMITS } from "./grpc-js.service.mjs";

const server = new grpc.Server(LIMITS);
server.addService(Bench.service, {
  add: ({ request }, done) => done(null, { sum: request.a + request.b }),
  echo: ({ request }, done) => done(null, request),
  object: ({ request }, done) => done(null, request),
  wait: () => {},
});
const port = await promisify(server.bindAsync).call(server, "127.0.0.1:0", grpc.ServerCredentials.createInsecure());
process.stdout.write(`${port}`);
process.stdin.once("end", () => server.forceShutdown()).resume();
