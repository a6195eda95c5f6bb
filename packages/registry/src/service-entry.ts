import { RegistryError } from "@multifrost/protocol/errors";
import type { Registration, ServiceEntry } from "./service-registry.js";

/** The longest service id, in characters. */
const MAX_ID_LENGTH = 255;

/** Control characters and lone surrogates, which cannot be typed. Lone surrogates have no UTF-8 form. */
const UNUSABLE = /[\p{Cc}\p{Cs}]/u;

/** Throws `RegistryError` `INVALID_OPTION` unless the value can be a service id. */
export function checkServiceId(serviceId: unknown): void {
  if (typeof serviceId !== "string" || serviceId === "") {
    throw invalid("A service id must be a string that is not empty.");
  }
  if (serviceId.length > MAX_ID_LENGTH) {
    throw invalid(`A service id may have ${MAX_ID_LENGTH} characters at most, this one has ${serviceId.length}.`);
  }
  if (UNUSABLE.test(serviceId)) {
    throw invalid(`The service id ${JSON.stringify(serviceId)} contains a control character. Leave it out.`);
  }
}

/** Throws `RegistryError` `INVALID_OPTION` unless the value can be a process id. */
export function checkPid(pid: unknown): void {
  if (!Number.isSafeInteger(pid) || (pid as number) <= 0) {
    throw invalid(`A pid must be a positive integer, not ${String(pid)}.`);
  }
}

/** Creates the entry of a service, registered now. Throws `RegistryError` `INVALID_OPTION`. */
export function createEntry({ serviceId, port, pid = process.pid }: Registration): Required<ServiceEntry> {
  checkServiceId(serviceId);
  checkPid(pid);
  if (!isPort(port)) {
    throw invalid(`The port of service '${serviceId}' must be an integer in 1..65535, not ${String(port)}.`);
  }
  return { serviceId, port, pid, started: new Date().toISOString() };
}

/** An entry as JSON text, in the form that all implementations read. Source: protocol.md, section 4. */
export function writeEntry({ port, pid, started }: ServiceEntry): string {
  return JSON.stringify({ port, pid, started });
}

/**
 * Reads one entry from its JSON text. `undefined` if it is not a valid entry, for example without a pid.
 *
 * Go writes `start_time`, the others write `started`.
 */
export function readEntry(serviceId: string, text: string): ServiceEntry | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) {
    return undefined;
  }
  const { port, pid, started, start_time: goStarted } = value as Record<string, unknown>;
  if (!isPort(port) || typeof pid !== "number" || !Number.isInteger(pid)) {
    return undefined;
  }
  const time = started ?? goStarted;
  return typeof time === "string" ? { serviceId, port, pid, started: time } : { serviceId, port, pid };
}

function isPort(port: unknown): port is number {
  return typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function invalid(message: string): RegistryError {
  return new RegistryError("INVALID_OPTION", message);
}
