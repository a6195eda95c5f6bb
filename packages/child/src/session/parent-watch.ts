import { ConnectionError } from "@multifrost/protocol/errors";
import { PORT_VARIABLE } from "@multifrost/protocol/internal";

/** How often both signs are checked, in milliseconds. */
const CHECK_INTERVAL_MS = 250;

/**
 * Checks in a row without a connection. Checks are counted instead of time: a method that blocks the event loop delays
 * the event of a new connection, and the checks with it. ZeroMQ reconnects within 200 ms to a parent that lives.
 */
const LOST_CHECKS = 4;

/**
 * The same before the first call, where nothing says that the parent is gone: 5 s, as parents of other implementations may be
 * slow to bind, and as a parent that a crowd of strangers surrounds may close the connection before it knows whose it is.
 */
const UNCALLED_CHECKS = 20;

/** The same before the first call, where nothing listens at the private socket that the parent had: it is gone. */
const ABSENT_CHECKS = 2;

/** Where the parent listens. */
export interface ParentAddress {
  readonly port: number;
  /** The path of its private socket, where it has one. */
  readonly path: string | undefined;
}

/**
 * @param error `CONNECTION_LOST`, or `UNREACHABLE` if there never was a call.
 * @param isDead Whether its process has ended. Otherwise only the connection is lost for good.
 */
type OnParentGone = (error: ConnectionError, isDead: boolean) => void;

/**
 * Notices that the parent of a spawned child is gone, even by SIGKILL.
 *
 * Two signs are checked, as either may fail to show: the operating system gives an orphan a new parent, and the
 * connection breaks and stays broken. Watching does not keep the process alive.
 */
export class ParentWatch {
  readonly #parent: ParentAddress;
  readonly #onGone: OnParentGone;
  readonly #parentPid = process.ppid;
  readonly #checking: NodeJS.Timeout;
  #connected = false;
  #wasCalled = false;
  #checksWithout = 0;
  /** Whether the latest attempt to connect found that nothing listens where the parent did when it started this process. */
  #isAbsent = false;

  /**
   * Watches until {@link stop}.
   *
   * @param parent Where the parent listens.
   * @param onGone Called at most once.
   */
  constructor(parent: ParentAddress, onGone: OnParentGone) {
    this.#parent = parent;
    this.#onGone = onGone;
    this.#checking = setInterval(() => this.#check(), CHECK_INTERVAL_MS);
    this.#checking.unref();
  }

  connectionUp(): void {
    this.#connected = true;
    this.#isAbsent = false;
  }

  /** @param wasCalled - Whether the parent has made a call: it has accepted this worker, and would keep the connection. */
  connectionDown(wasCalled: boolean): void {
    this.#connected = false;
    this.#checksWithout = 0;
    this.#wasCalled = wasCalled;
  }

  /** An attempt to connect failed so. A parent binds its private socket before it starts a process; one without may be slow to. */
  notListening(): void {
    this.#isAbsent = this.#parent.path !== undefined;
  }

  stop(): void {
    clearInterval(this.#checking);
  }

  #check(): void {
    this.#checksWithout = this.#connected ? 0 : this.#checksWithout + 1;
    const orphaned = process.ppid !== this.#parentPid;
    const unseen = this.#isAbsent ? ABSENT_CHECKS : UNCALLED_CHECKS;
    const checks = this.#wasCalled ? LOST_CHECKS : unseen;
    if (orphaned || this.#checksWithout >= checks) {
      this.stop();
      const error = orphaned || this.#wasCalled ? parentGone(this.#parentPid) : unreachable(this.#parent.port, checks);
      this.#onGone(error, orphaned || this.#isAbsent);
    }
  }
}

function parentGone(pid: number): ConnectionError {
  return new ConnectionError("CONNECTION_LOST", `The parent of this worker, process ${pid}, is gone: the worker ends.`);
}

function unreachable(port: number, checks: number): ConnectionError {
  const seconds = (checks * CHECK_INTERVAL_MS) / 1000;
  return new ConnectionError(
    "UNREACHABLE",
    `No parent could be reached at port ${port} (${PORT_VARIABLE}) within ${seconds} s. ` +
      "The parent sets it when it spawns a worker; unset it to run this one as a service.",
  );
}
