import { MultifrostError, RegistryError } from "@multifrost/protocol/errors";
import type { Liveness } from "./liveness.js";
import type { ServiceEntry, ServiceListing } from "./service-registry.js";

/** The most names in one message. The rest is counted. */
const MAX_NAMES = 10;

/** What the last look at the registry found. */
export interface LastLook {
  readonly file: string;
  readonly timeoutMs: number;
  /** `undefined` if the file is not a JSON map. */
  readonly listings: readonly ServiceListing[] | undefined;
  /** Whether the id is in the file, with a valid entry or not. */
  readonly present: boolean;
  /** Why its entry is not live, if it has a valid one. */
  readonly liveness?: Liveness | undefined;
}

/** How the message goes on after the entry of a service that is gone. */
const WHY_NOT_LIVE: Readonly<Record<Liveness, string>> = {
  live: "and has come just now",
  ended: "but that process is not running",
  another: "but another process has that id now",
  silent: "but no service answers there",
};

/** `SERVICE_NOT_FOUND`: the service did not appear in time. */
export function serviceNotFound(serviceId: string, look: LastLook): RegistryError {
  const dead = look.listings?.find((listing) => listing.serviceId === serviceId);
  const message = [
    `Service '${serviceId}' was not found in ${look.file} within ${look.timeoutMs} ms.`,
    whatWasThere(look, dead),
    dead === undefined ? "Start the service first, or check its name." : "Start the service again.",
  ].join(" ");
  return new RegistryError("SERVICE_NOT_FOUND", message, {
    serviceId,
    file: look.file,
    pid: dead?.pid,
    port: dead?.port,
  });
}

function whatWasThere({ listings, present, liveness = "ended" }: LastLook, dead: ServiceEntry | undefined): string {
  if (listings === undefined) {
    return "The file does not hold a JSON map.";
  }
  if (dead !== undefined) {
    return `Its entry names process ${dead.pid} on port ${dead.port}, ${WHY_NOT_LIVE[liveness]}.`;
  }
  if (present) {
    return "Its entry there has no valid port and pid.";
  }
  if (listings.length === 0) {
    return "No service is registered there.";
  }
  const names = listings.map(({ serviceId, alive }) => (alive ? `'${serviceId}'` : `'${serviceId}' (not running)`));
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  return `Registered there: ${names.slice(0, MAX_NAMES).join(", ")}${more}.`;
}

/** A live process holds the id: `SERVICE_EXISTS`. */
export function serviceExists({ serviceId, pid, port }: ServiceEntry, file: string): RegistryError {
  const message =
    `Service '${serviceId}' is already registered by process ${pid} on port ${port}, which is still running. ` +
    "Stop that process first, or register under another name.";
  return new RegistryError("SERVICE_EXISTS", message, { serviceId, file, pid, port });
}

/** `LOCK_TIMEOUT`: a lock was not released in time. */
export function lockTimeout(file: string, pid: number | undefined, timeoutMs: number): RegistryError {
  const holder = pid === undefined ? "another program" : `process ${pid}`;
  const message =
    `The service registry is locked: ${file} was still held by ${holder} after ${timeoutMs} ms. ` +
    "Try again. If the holder is stuck, end it; the next process that needs the lock breaks it.";
  return new RegistryError("LOCK_TIMEOUT", message, { file, pid });
}

/**
 * Turns a system error into `REGISTRY_UNAVAILABLE` with that error as its cause. Returns any other error as it is.
 */
export function unavailableIfSystemError(
  error: unknown,
  paths: { readonly directory: string; readonly services: string },
  verb: "read" | "written",
): unknown {
  if (error instanceof MultifrostError || !(error instanceof Error) || errnoOf(error) === undefined) {
    return error;
  }
  const message =
    `The service registry ${paths.services} cannot be ${verb}: ${error.message}. ` +
    `Make sure that ${paths.directory} is a directory this user may read and write, ` +
    "or keep the registry elsewhere (HOME, or the option `directory`).";
  return new RegistryError("REGISTRY_UNAVAILABLE", message, { file: paths.services, cause: error });
}

/** `REGISTRY_UNAVAILABLE`: something else than a file is in its place. */
export function notAFile(file: string, kind: string): RegistryError {
  const message =
    `The service registry ${file} is ${kind}, not a regular file. ` +
    "Remove it or move it away: the next service that registers makes a new one.";
  return new RegistryError("REGISTRY_UNAVAILABLE", message, { file });
}

/** `REGISTRY_UNAVAILABLE`: every user can write the directory. */
export function openDirectory(directory: string, mode: number): RegistryError {
  const message =
    `Every user of this machine can write the directory ${directory} of the service registry (mode ` +
    `0${mode.toString(8)}), and so send callers to another program. Remove what is not yours from it, then run: ` +
    `chmod 700 ${quoted(directory)}`;
  return new RegistryError("REGISTRY_UNAVAILABLE", message, { file: directory });
}

/** `REGISTRY_UNAVAILABLE`: the directory belongs to another user. */
export function foreignDirectory(directory: string, owner: number, user: number): RegistryError {
  const message =
    `The directory ${directory} of the service registry belongs to user ${owner}, and this process runs as user ${user}. ` +
    `Run it as that user, set HOME to the home of user ${user}, or give the directory to user ${user}: ` +
    `chown -R ${user} ${quoted(directory)}`;
  return new RegistryError("REGISTRY_UNAVAILABLE", message, { file: directory });
}

/** `REGISTRY_UNAVAILABLE`: neither the environment nor the system says where the home directory is. */
export function noHome(): RegistryError {
  const message =
    "The service registry is in the home directory, but HOME is not an absolute path and the system knows no home of this " +
    "user. Set HOME to an absolute path.";
  return new RegistryError("REGISTRY_UNAVAILABLE", message);
}

/** A path as one word of a shell command. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

/** The warning when a writer has moved a corrupt file aside. */
export function corruptWarning(file: string, aside: string): string {
  return (
    `The service registry ${file} did not hold a JSON map. It was moved to ${aside} and an empty one takes its place. ` +
    "Start the services that were registered in it again, or repair the file and move it back."
  );
}

/** The warning of a reader, which leaves a corrupt file alone. */
export function unreadableWarning(file: string): string {
  return (
    `The service registry ${file} does not hold a JSON map, so no services are listed. ` +
    "Repair the file; otherwise the next service that registers moves it aside."
  );
}

/** The code of a system error, such as `ENOENT`; `undefined` for any other error. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}
