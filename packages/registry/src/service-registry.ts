/** A registered service. */
export interface ServiceEntry {
  /** The name it is found by. */
  readonly serviceId: string;
  /** The TCP port it listens on, on this machine. Not verified: only a connection shows that the service is there. */
  readonly port: number;
  /** The process it runs in. */
  readonly pid: number;
  /** When it was registered, as its implementation wrote it: ISO-8601, or Unix seconds as text (older Rust); absent if it wrote none. */
  readonly started?: string;
}

/** One entry of `list()`. */
export interface ServiceListing extends ServiceEntry {
  /**
   * Whether its process runs and is the one that was registered. Another entry is never discovered, and `prune()` removes it.
   */
  readonly alive: boolean;
}

/** A service to register. */
export interface Registration {
  /** 1 to 255 characters, none of them a control character. */
  readonly serviceId: string;
  /** 1 to 65535. */
  readonly port: number;
  /** The process that serves. Default: this process. */
  readonly pid?: number;
}

/** Options of {@link ServiceRegistry.discover}. */
export interface DiscoverOptions {
  /** How long to wait for the service, in milliseconds; 0 looks once. Default: 5000. */
  readonly timeoutMs?: number;
  /** Ends the search with `AbortError` (`ABORTED`). Default: none. */
  readonly signal?: AbortSignal;
}

/**
 * Where services register and are found by name. Implement it to keep the entries somewhere else than in a file.
 *
 * Every method also rejects with `RegistryError` `REGISTRY_UNAVAILABLE` if the registry cannot be read or written, and
 * `INVALID_OPTION` for an invalid id, port, pid or timeout. Methods may be called at any time and in parallel; there is
 * nothing to open or close.
 */
export interface ServiceRegistry {
  /**
   * Registers a service. Replaces an entry that is not live.
   *
   * Rejects with `RegistryError` `SERVICE_EXISTS` (with pid and port of the holder) if a live process has the id, also
   * this one; `LOCK_TIMEOUT` if other writers hold the locks for too long.
   */
  register(registration: Registration): Promise<ServiceEntry>;

  /**
   * Finds a live service, and waits for it to appear.
   *
   * Rejects with `RegistryError` `SERVICE_NOT_FOUND` after the timeout, and `AbortError` `ABORTED`.
   */
  discover(serviceId: string, options?: DiscoverOptions): Promise<ServiceEntry>;

  /** Lists all services that can be read, also those that are not live, in the order in which they are stored. */
  list(): Promise<readonly ServiceListing[]>;

  /**
   * Removes a service if it is still registered by `pid`. Default: this process.
   *
   * Resolves to whether it did: `false` if there is no such entry or another process has registered the id since.
   * Rejects with `RegistryError` `LOCK_TIMEOUT`.
   */
  unregister(serviceId: string, pid?: number): Promise<boolean>;

  /** Removes every service that is not live and resolves to them. Rejects with `LOCK_TIMEOUT`. */
  prune(): Promise<readonly ServiceEntry[]>;
}
