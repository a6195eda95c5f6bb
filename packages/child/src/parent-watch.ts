// Ends a spawned child when its parent is gone, even by SIGKILL: nobody else would. Two signs are watched, as either
// may fail to show: the operating system gives an orphan a new parent, and the connection breaks and stays broken.

import { ConnectionError } from "@multifrost/protocol";
import { PORT_VARIABLE } from "@multifrost/protocol/internal";

/** How often both signs are looked at, in milliseconds. */
const LOOK_INTERVAL_MS = 250;

/**
 * Looks in a row without a connection. They are counted, and not the time: a method that blocks the event loop delays
 * the news that the connection is back, and the looks with it. ZeroMQ reconnects within 200 ms to a parent that lives.
 */
const BROKEN_LOOKS = 4;

/** The same before the first connection: 5 s, as parents of other implementations may be slow to bind. */
const NEVER_CONNECTED_LOOKS = 20;

/** What is watched, and what to tell it. */
export interface ParentWatch {
  connectionUp(): void;
  connectionDown(): void;
  stop(): void;
}

/**
 * Watches until `stop`. `onGone` is called at most once, with a `ConnectionError`: `CONNECTION_LOST`, or `UNREACHABLE`
 * if nobody ever was at that port. Watching does not keep the process alive.
 */
export function watchParent(port: number, onGone: (reason: ConnectionError) => void): ParentWatch {
  const parentPid = process.ppid;
  let connected = false;
  let everConnected = false;
  let looksWithout = 0;

  const stop = (): void => clearInterval(looking);
  const looking = setInterval(() => {
    looksWithout = connected ? 0 : looksWithout + 1;
    const orphaned = process.ppid !== parentPid;
    if (orphaned || looksWithout >= (everConnected ? BROKEN_LOOKS : NEVER_CONNECTED_LOOKS)) {
      stop();
      onGone(orphaned || everConnected ? parentGone(parentPid) : nobodyThere(port));
    }
  }, LOOK_INTERVAL_MS);
  looking.unref();

  return {
    connectionUp() {
      connected = true;
      everConnected = true;
    },
    connectionDown() {
      connected = false;
      looksWithout = 0;
    },
    stop,
  };
}

function parentGone(pid: number): ConnectionError {
  return new ConnectionError("CONNECTION_LOST", `The parent of this worker, process ${pid}, is gone: the worker ends.`);
}

function nobodyThere(port: number): ConnectionError {
  const seconds = (NEVER_CONNECTED_LOOKS * LOOK_INTERVAL_MS) / 1000;
  return new ConnectionError(
    "UNREACHABLE",
    `No parent could be reached at port ${port} (${PORT_VARIABLE}) within ${seconds} s. ` +
      "The parent sets it when it spawns a worker; unset it to run this one as a service.",
  );
}
