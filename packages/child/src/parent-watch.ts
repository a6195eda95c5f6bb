// Ends a spawned child when its parent is gone, even by SIGKILL: nobody else would. Two signs are watched, as either
// may fail to show: the operating system gives an orphan a new parent, and the connection breaks and stays broken.

/** How often the parent's process id is looked at, in milliseconds. */
const LOOK_INTERVAL_MS = 500;

/** How long the connection may stay broken, in milliseconds. ZeroMQ reconnects within 200 ms to a parent that lives. */
const BROKEN_LIMIT_MS = 1_000;

/** What is watched, and what to tell it. */
export interface ParentWatch {
  connectionUp(): void;
  connectionDown(): void;
  stop(): void;
}

/** Watches until `stop`. `onGone` is called at most once. Neither timer keeps the process alive. */
export function watchParent(onGone: () => void): ParentWatch {
  const parentPid = process.ppid;
  let broken: NodeJS.Timeout | undefined;

  const stop = (): void => {
    clearInterval(looking);
    clearTimeout(broken);
  };
  const gone = (): void => {
    stop();
    onGone();
  };
  const looking = setInterval(() => {
    if (process.ppid !== parentPid) {
      gone();
    }
  }, LOOK_INTERVAL_MS);
  looking.unref();

  return {
    connectionUp() {
      clearTimeout(broken);
    },
    connectionDown() {
      clearTimeout(broken);
      broken = setTimeout(gone, BROKEN_LIMIT_MS);
      broken.unref();
    },
    stop,
  };
}
