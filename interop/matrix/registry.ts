// The case `registry`: services of every language register in one new registry at the same moment, and judge the entries of
// the others.

import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Language, workerCommand } from "./languages.ts";
import { exitCode, type Service, startService, withHome } from "./processes.ts";

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
    const misjudged = missing.length > 0 ? [] : await takeOver(languages, home, services);
    const ends = await Promise.all(services.map((service) => service.end()));
    if (missing.length > 0) {
      return `not in the registry: ${missing.join(", ")}`;
    }
    if (misjudged.length > 0) {
      return misjudged.join("; ");
    }
    if (ends.some((end) => end !== 0 && end !== "SIGKILL")) {
      return `the services ended with ${ends.join(", ")}`;
    }
    const left = Object.keys(registered(home));
    return left.length > 0 ? `still in the registry after their end: ${left.join(", ")}` : undefined;
  }).catch((error: unknown) => String(error));
}

/**
 * A service of each language judges entries of the language before it. It refuses the id of a service that runs, also where the
 * entry is like that of an older implementation, and takes over the id of one that was killed, and of one whose pid seems to
 * belong to a later process. Adds the services that it starts. Resolves to what was judged otherwise.
 */
async function takeOver(languages: readonly Language[], home: string, services: Service[]): Promise<string[]> {
  const entries = registered(home);
  for (const language of languages) {
    Object.assign(entries[`${language}-1`] ?? {}, { process_started: "1" });
    const { port, pid } = entries[`${language}-2`] ?? {};
    Object.assign(entries, { [`${language}-2`]: { port, pid } });
  }
  writeFileSync(servicesFile(home), JSON.stringify(entries));
  const complaints = await Promise.all(
    languages.map(async (language, index) => {
      const other = languages.at(index - 1);
      const command = workerCommand(language);
      for (const id of [`${other}-0`, `${other}-2`]) {
        if ((await exitCode(command, id, home)) !== 1) {
          return `${language} took ${id}, which runs`;
        }
      }
      const holder = services.find(({ child }) => child.pid === entries[`${other}-0`]?.pid);
      if (holder === undefined) {
        return `${other}-0 has the entry of another process`;
      }
      const ended = once(holder.child, "exit");
      holder.child.kill("SIGKILL");
      await ended;
      for (const id of [`${other}-0`, `${other}-1`]) {
        const successor = await startService(command, id, home);
        services.push(successor);
        if (registered(home)[id]?.pid !== successor.child.pid) {
          return `${language} did not take ${id} over`;
        }
      }
      return undefined;
    }),
  );
  return complaints.filter((complaint) => complaint !== undefined);
}

function servicesFile(home: string): string {
  return join(home, ".multifrost", "services.json");
}

function registered(home: string): Record<string, { readonly port: number; readonly pid: number }> {
  return JSON.parse(readFileSync(servicesFile(home), "utf8")) as ReturnType<typeof registered>;
}
