// Services that run as real processes, and the registry they are in.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChildOptions } from "../../src/options.js";
import { type Fixture, startFixture, temporaryHome } from "./processes.js";
import { until } from "./until.js";

/** A service that is registered. */
export interface Service extends Fixture {
  readonly home: string;
  readonly port: number;
}

/** What the registry under this HOME holds; empty where there is none. */
export function services(home: string): Record<string, { port: number; pid: number }> {
  try {
    return JSON.parse(readFileSync(join(home, ".multifrost", "services.json"), "utf8"));
  } catch {
    return {};
  }
}

/** Starts a fixture as a service, with its own registry, and waits until it has registered. */
export async function startService(
  fixture: string,
  name: string,
  options: ChildOptions = {},
  transport?: string,
): Promise<Service> {
  const home = temporaryHome();
  const service = startFixture(fixture, {
    args: [name, JSON.stringify(options)],
    env: { HOME: home, ...(transport && { MULTIFROST_TRANSPORT: transport }) },
  });
  await until(() => services(home)[name] !== undefined);
  return { ...service, home, port: services(home)[name]?.port ?? 0 };
}
