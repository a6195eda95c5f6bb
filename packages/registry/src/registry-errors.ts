import { MultifrostError, RegistryError } from "@multifrost/protocol/errors";
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
}

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

function whatWasThere({ listings, present }: LastLook, dead: ServiceEntry | undefined): string {
  if (listings === undefined) {
    return "The file does not hold a JSON map.";
  }
  if (dead !== undefined) {
    return `Its entry names process ${dead.pid} on port ${dead.port}, but that process is not running.`;
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
