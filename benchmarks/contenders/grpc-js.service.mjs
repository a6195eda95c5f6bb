// What both ends of the gRPC contender need.

import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

export const { Bench } = grpc.loadPackageDefinition(
  loadSync(fileURLToPath(new URL("./bench.proto", import.meta.url))),
).bench;

export const LIMITS = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
