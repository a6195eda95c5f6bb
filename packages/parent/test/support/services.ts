import { join } from "node:path";
import { createFileRegistry, type ServiceRegistry } from "@multifrost/registry";
import { onTestFinished } from "vitest";
import { type ConnectOptions, ParentWorker } from "../../src/index.js";
import { type Running, run, said } from "./processes.js";
import type { Answering } from "./spawned.js";
import { temporaryDirectory } from "./temp-directory.js";

/** A registry for one test, and services in processes that use it. */
export interface ServicePlace {
  readonly registry: ServiceRegistry;
  /** Starts the answering fixture as a service; resolves when it is registered. */
  start(serviceId: string): Promise<Running>;
  /** A parent of the service, not started; stopped after the test. */
  connect(serviceId: string, options?: ConnectOptions): Promise<ParentWorker<Answering>>;
}

/** Makes a home directory for services. */
export function servicePlace(): ServicePlace {
  const home = temporaryDirectory();
  const registry = createFileRegistry({ directory: join(home, ".multifrost") });
  return {
    registry,
    async start(serviceId) {
      const service = run("answers-calls.mjs", { env: { HOME: home, SERVICE_ID: serviceId, ANNOUNCE: "1" } });
      await said(service, /(reachable)\n/);
      return service;
    },
    async connect(serviceId, options = {}) {
      const worker = await ParentWorker.connect<Answering>(serviceId, { registry, logger: false, ...options });
      worker.on("stdout", () => {});
      worker.on("stderr", () => {});
      onTestFinished(() => worker.stop());
      return worker;
    },
  };
}
