// The case `registry`: services of every language register in one new registry at the same moment.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Language, workerCommand } from "./languages.ts";
import { startService, withHome } from "./processes.ts";

/** Services of each language. */
const EACH = 3;

/** What went wrong; `undefined` if all of them register, and all are gone after SIGTERM. */
export async function contend(languages: readonly Language[]): Promise<string | undefined> {
  return withHome(async (home) => {
    const wanted = languages.flatMap((language) =>
      Array.from({ length: EACH }, (_, index) => ({ id: `${language}-${index}`, command: workerCommand(language) })),
    );
    const started = await Promise.allSettled(wanted.map(({ id, command }) => startService(command, id, home)));
    const missing = wanted.filter(({ id }) => !(id in registered(home))).map(({ id }) => id);
    const services = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const ends = await Promise.all(services.map((service) => service.end()));
    if (missing.length > 0) {
      return `not in the registry: ${missing.join(", ")}`;
    }
    if (ends.some((end) => end !== 0)) {
      return `the services ended with ${ends.join(", ")}`;
    }
    const left = Object.keys(registered(home));
    return left.length > 0 ? `still in the registry after their end: ${left.join(", ")}` : undefined;
  }).catch((error: unknown) => String(error));
}

function registered(home: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(home, ".multifrost", "services.json"), "utf8")) as Record<string, unknown>;
}
