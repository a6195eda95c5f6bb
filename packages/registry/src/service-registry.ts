// The contract: where services announce themselves and parents find them. Nothing in it says where the entries are kept.
// Next: file-registry.ts, the implementation in a file that the other languages share.

/** A service that announced itself. */
export interface ServiceEntry {
  readonly serviceId: string;
  /** The TCP port it listens on, on this machine. It is a claim: verify it by talking to the service. */
  readonly port: number;
  /** The process it runs in. */
  readonly pid: number;
  /** When it was registered, ISO-8601, as its own implementation wrote it; absent where that one wrote none. */
  readonly started?: string;
}

/** One line of `list()`. */
export interface ServiceListing extends ServiceEntry {
  /** Whether its process runs. An entry that is not alive is never discovered, and `prune()` removes it. */
  readonly alive: boolean;
}

/** What a service tells of itself. */
export interface Registration {
  /** 1 to 255 characters, none of them a control character. */
  readonly serviceId: string;
  /** 1 to 65535. */
  readonly port: number;
  /** The process that serves. Default: this process. */
  readonly pid?: number;
}

/** How long to look for a service. */
export interface DiscoverOptions {
  /** Milliseconds; 0 looks once. Default: 5000. */
  readonly timeoutMs?: number;
  /** Ends the search with `AbortError` (`ABORTED`). Default: none. */
  readonly signal?: AbortSignal;
}

/**
 * Where services announce themselves and are found by name.
 *
 * Every method also rejects with `RegistryError` `REGISTRY_UNAVAILABLE` where the registry cannot be reached, and with
 * `INVALID_OPTION` for an id, port, pid or timeout that cannot be one. Methods may be called at any time and in
 * parallel; there is nothing to open and nothing to close.
 */
export interface ServiceRegistry {
  /**
   * Announces a service, in place of an entry whose process is dead.
   *
   * Rejects with `RegistryError` `SERVICE_EXISTS` (with pid and port of the holder) where a live process holds the id,
   * also where that is this process; `LOCK_TIMEOUT` where other writers do not let it through.
   */
  register(registration: Registration): Promise<ServiceEntry>;

  /**
   * Finds a service whose process is alive, waiting for it to appear.
   *
   * Rejects with `RegistryError` `SERVICE_NOT_FOUND` after the timeout, and `AbortError` `ABORTED`.
   */
  discover(serviceId: string, options?: DiscoverOptions): Promise<ServiceEntry>;

  /** All services that can be read, dead ones too, in the order in which they are kept. */
  list(): Promise<readonly ServiceListing[]>;

  /**
   * Takes a service out, if it is still the one that `pid` (default: this process) announced.
   *
   * Resolves to whether it did: `false` where there is no such entry, or another process has taken the id since.
   * Rejects with `RegistryError` `LOCK_TIMEOUT`.
   */
  unregister(serviceId: string, pid?: number): Promise<boolean>;

  /** Takes out every service whose process is dead and resolves to them. Rejects with `LOCK_TIMEOUT`. */
  prune(): Promise<readonly ServiceEntry[]>;
}
