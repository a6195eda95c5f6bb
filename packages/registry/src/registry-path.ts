// Where the file, and the locks beside it, are. Asked anew for each operation, so that HOME may change in between.
// Next: registry-file.ts (the file) and registry-lock.ts (the locks).

import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Absolute paths of one registry. */
export interface RegistryPaths {
  readonly directory: string;
  /** Whether the directory is the one in the home directory, which is ours alone and may be made private. */
  readonly isDefault: boolean;
  readonly services: string;
  /** Taken first: a directory, the convention of the older JavaScript implementation. */
  readonly directoryLock: string;
  /** Taken second: a file with a pid, Python's convention. */
  readonly registryLock: string;
  /** Taken third: a file with a pid, the convention of Go and of all v4 implementations. */
  readonly servicesLock: string;
}

/** `~/.multifrost`, from `os.homedir()` at the time of the call. */
export function defaultRegistryDirectory(): string {
  return join(homedir(), ".multifrost");
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
