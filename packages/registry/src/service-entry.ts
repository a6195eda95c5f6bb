import { RegistryError } from "@multifrost/protocol/errors";
import { checkOptions, type OptionRules, rule, shown } from "@multifrost/protocol/internal";
import { bootId, runningProcess } from "./running-process.js";
import type { Registration, ServiceEntry } from "./service-registry.js";

/** An entry as it is in the file: also which of the processes that have had this pid is meant. */
export interface StoredEntry extends ServiceEntry {
  /** When the process started, as the system writes it. Absent in entries of older implementations. */
  readonly processStarted?: string;
  /** The boot in which it runs. Absent where the system has no id for it, and in older entries. */
  readonly boot?: string;
}

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
    throw invalid(`A pid must be a positive integer, not ${shown(pid)}.`);
  }
}

/** The values have checks of their kind, whose messages say more. */
const ANY = rule("any value", () => true);
const RULES: OptionRules<Registration> = { serviceId: ANY, port: ANY, pid: ANY };

/** Creates the entry of a service, registered now. Throws `RegistryError` `INVALID_OPTION`. */
export function createEntry(registration: Registration): Required<ServiceEntry> {
  checkOptions("register()", registration, RULES, { error: (_code, message) => invalid(message) });
  const { serviceId, port, pid = process.pid } = registration;
  checkServiceId(serviceId);
  checkPid(pid);
  if (!isPort(port)) {
    throw invalid(`The port of service '${serviceId}' must be an integer in 1..65535, not ${shown(port)}.`);
  }
  return { serviceId, port, pid, started: new Date().toISOString() };
}

/**
 * An entry as JSON text, in the form that all implementations read, with what tells its process from others with the same
 * pid where the system says so. Source: protocol.md, section 4.
 */
export function writeEntry({ port, pid, started }: ServiceEntry): string {
  const processStarted = runningProcess(pid)?.started;
  const identity = processStarted === undefined ? {} : { process_started: processStarted, boot: bootId() };
  return JSON.stringify({ port, pid, started, ...identity });
}

/**
 * Reads one entry from its JSON text. `undefined` if it is not a valid entry, for example without a pid. Other fields of a
 * wrong type count as absent.
 *
 * Go writes `start_time`, the others write `started`.
 */
export function readEntry(serviceId: string, text: string): StoredEntry | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) {
    return undefined;
  }
  const fields = value as Record<string, unknown>;
  const { port, pid } = fields;
  if (!isPort(port) || typeof pid !== "number" || !Number.isInteger(pid)) {
    return undefined;
  }
  return {
    serviceId,
    port,
    pid,
    ...ifText("started", fields.started ?? fields.start_time),
    ...ifText("processStarted", fields.process_started),
    ...ifText("boot", fields.boot),
  };
}

/** The entry without what only the file needs. */
export function publicEntry({ processStarted: _started, boot: _boot, ...entry }: StoredEntry): ServiceEntry {
  return entry;
}

function ifText<Name extends string>(name: Name, value: unknown): { [_ in Name]?: string } {
  return typeof value === "string" && value !== "" ? ({ [name]: value } as { [_ in Name]?: string }) : {};
}

function isPort(port: unknown): port is number {
  return typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function invalid(message: string): RegistryError {
  return new RegistryError("INVALID_OPTION", message);
}
