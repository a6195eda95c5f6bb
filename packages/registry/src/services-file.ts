import { randomUUID } from "node:crypto";
import { constants, renameSync, type Stats } from "node:fs";
import { chmod, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errnoOf, foreignDirectory, noHome, notAFile, openDirectory } from "./registry-errors.js";

/** How often, and how many milliseconds apart, a file is read that another program may be writing. */
const LOOKS = 10;
const LOOKS_APART_MS = 10;

/** Absolute paths of one registry. */
export interface RegistryPaths {
  readonly directory: string;
  /** Whether the directory is the one in the home directory, which belongs to Multifrost and may be made private. */
  readonly isDefault: boolean;
  readonly services: string;
  /** Taken first: a directory, the convention of the older JavaScript implementation. */
  readonly directoryLock: string;
  /** Taken second: a file with a pid, Python's convention. */
  readonly registryLock: string;
  /** Taken third: a file with a pid, the convention of older Go and of late Python and Rust v4. */
  readonly servicesLock: string;
}

/**
 * `~/.multifrost`, as the environment says at the time of the call. A `HOME` that is empty or not an absolute path counts
 * as not set, or the registry would be another one in each working directory; then it is the home that the system has
 * for this user.
 *
 * Throws `RegistryError` `REGISTRY_UNAVAILABLE` if there is none.
 */
export function defaultRegistryDirectory(): string {
  for (const find of [homedir, () => userInfo().homedir]) {
    const home = ifKnown(find);
    if (isAbsolute(home)) {
      return join(home, ".multifrost");
    }
  }
  throw noHome();
}

/** Both throw for a user that the system does not know, as many containers have. */
function ifKnown(find: () => string): string {
  try {
    return find();
  } catch {
    return "";
  }
}

/** The paths below a directory. Default: `~/.multifrost`. Source of the names: protocol.md, section 4. */
export function registryPaths(given?: string): RegistryPaths {
  const directory = resolve(given ?? defaultRegistryDirectory());
  const services = join(directory, "services.json");
  return {
    directory,
    isDefault: given === undefined,
    services,
    directoryLock: `${services}.lock`,
    registryLock: join(directory, "registry.lock"),
    servicesLock: join(directory, "services.lock"),
  };
}

/**
 * Service id to the JSON text of its entry.
 *
 * A map, so that `__proto__` and `constructor` are plain ids. Text, so that entries of other implementations are kept to
 * the last digit: JavaScript values would round integers from 2^53 on and turn Python's `1.0` into `1`.
 */
export type Services = Map<string, string>;

/**
 * Reads the entries; an empty map if there is no file yet. `undefined` if the file is not a JSON map, which without the
 * locks may mean that another implementation is writing it. Rejects with the system's error, and with `RegistryError`
 * `REGISTRY_UNAVAILABLE` for a directory that other users can change and for a file that is no regular one: reading a FIFO
 * or a device may never end.
 */
export async function readServices(file: string): Promise<Services | undefined> {
  await checkDirectory(dirname(file));
  try {
    return parseServices(await readRegularFile(file));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return new Map();
    }
    throw error;
  }
}

/** Like {@link readServices}, but reads a file that is not a JSON map again for 0.1 s: it may be about to become one. */
export async function readWhole(file: string): Promise<Services | undefined> {
  for (let looks = 1; ; looks += 1) {
    const services = await readServices(file);
    if (services !== undefined || looks === LOOKS) {
      return services;
    }
    await delay(LOOKS_APART_MS);
  }
}

async function readRegularFile(file: string): Promise<string> {
  // Does not wait for the other end of a FIFO. A socket cannot be opened.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((error: unknown) => {
    throw errnoOf(error) === "ENXIO" ? notAFile(file, "a socket") : error;
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw notAFile(file, kindOf(stats));
    }
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) {
    return "a directory";
  }
  return stats.isFIFO() ? "a FIFO" : "a device";
}

/** Any user could send callers to another program by a directory that any user can write, or that belongs to another. */
async function checkDirectory(directory: string): Promise<void> {
  const stats = await stat(directory).catch(() => undefined);
  const user = process.geteuid?.();
  // One that cannot be looked at is reported when the file in it is read.
  if (stats === undefined || user === undefined || !stats.isDirectory()) {
    return;
  }
  if (stats.uid !== user) {
    throw foreignDirectory(directory, stats.uid, user);
  }
  if ((stats.mode & 0o002) !== 0) {
    throw openDirectory(directory, stats.mode & 0o7777);
  }
}

/** Creates the directory (0700). Makes an existing one private only if it is the default, never one that was given. */
export async function prepareDirectory({ directory, isDefault }: RegistryPaths): Promise<void> {
  await makeDirectory(directory);
  if (isDefault && ((await stat(directory)).mode & 0o077) !== 0) {
    // Fails for a directory of another user; writing then fails too if it is not writable.
    await chmod(directory, 0o700).catch(() => {});
  }
}

/**
 * Creates a directory and its parents. Node's `recursive: true` never returns for a place such as `/proc`, where the
 * parent exists and nothing can be created in it.
 */
async function makeDirectory(directory: string, hasParent = dirname(directory) === directory): Promise<void> {
  try {
    await mkdir(directory, 0o700);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" && !hasParent) {
      await makeDirectory(dirname(directory));
      return makeDirectory(directory, true);
    }
    if (errnoOf(error) !== "EEXIST" || !(await stat(directory)).isDirectory()) {
      throw error;
    }
  }
}

/** Moves a corrupt file aside, to be looked at. Resolves to its new name. */
export async function setAside(file: string): Promise<string> {
  const aside = `${file}.corrupt-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
  await rename(file, aside);
  return aside;
}

/**
 * Replaces the file as a whole (0600): readers see the old entries or the new ones, also after a crash.
 *
 * Asks `mayReplace` at the last moment, when everything is on the disk under a temporary name. If it returns `false`,
 * nothing is replaced. Resolves to its answer. Removes the temporary file in any case.
 */
export async function replaceServices(file: string, services: Services, mayReplace: () => boolean): Promise<boolean> {
  const temporary = `${file}.${process.pid}-${randomUUID()}.tmp`;
  try {
    await writeDurably(temporary, formatServices(services));
    if (!mayReplace()) {
      return false;
    }
    // Synchronous, so that nothing else in this process runs between the answer and the rename.
    renameSync(temporary, file);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** JSON's tokens: a string, punctuation, or a run of other characters except white space (a number, `true`, `null`). */
const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Splits the text into its entries; `undefined` if it is not a JSON map. */
export function parseServices(text: string): Services | undefined {
  return isJsonMap(text) ? splitMembers(text) : undefined;
}

/** Joins the entries to the text of the file, in the map's order. */
export function formatServices(services: Services): string {
  const members = [...services].map(([serviceId, entry]) => `  ${JSON.stringify(serviceId)}: ${entry}`);
  return members.length === 0 ? "{}\n" : `{\n${members.join(",\n")}\n}\n`;
}

function isJsonMap(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Splits text that is a JSON map. On the first level, a colon starts a value and a comma ends it. */
function splitMembers(text: string): Services {
  const services: Services = new Map();
  let depth = 0;
  let key = "";
  let valueFrom: number | undefined;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (depth === 1 && valueFrom === undefined) {
      if (token === ":") {
        valueFrom = index + 1;
      } else {
        key = token;
      }
    } else if (depth === 1 && (token === "," || token === "}")) {
      services.set(JSON.parse(key) as string, text.slice(valueFrom, index).trim());
      valueFrom = undefined;
    }
    depth += depthChange(token);
  }
  return services;
}

function depthChange(token: string): number {
  if (token === "{" || token === "[") {
    return 1;
  }
  return token === "}" || token === "]" ? -1 : 0;
}
