import { RegistryError } from "../errors/index.js";

/** For the code of the registry, which is loaded when it is needed first: no file descriptors are left, or it is not installed. */
export function registryUnloadable(cause: unknown): RegistryError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RegistryError(
    "REGISTRY_UNAVAILABLE",
    `The service registry could not be loaded: ${reason}. If no file descriptors are left (ulimit -n), close some and start this ` +
      "process again, since Node does not load a module a second time; otherwise install the packages again.",
    { cause },
  );
}
