// How a worker's process ends: by signals, and with one line on stderr after an error at the start or without its parent.

/** Exit codes of a process that a signal ended, as in shells: 128 plus the signal's number. */
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Calls back at the first SIGINT or SIGTERM; exits at once at the second. */
export function onEndSignals(first: () => void): void {
  let seen = false;
  for (const [signal, exitCode] of Object.entries(SIGNAL_EXIT_CODES)) {
    process.on(signal, () => {
      if (seen) {
        process.exit(exitCode);
      }
      seen = true;
      first();
    });
  }
}

/**
 * Ends what this process started when it exits, as a parent would, where it leads a process group, as one that a parent started
 * does.
 */
export function endGroupAtExit(): void {
  process.once("exit", () => {
    try {
      process.kill(-process.pid, "SIGKILL");
    } catch {
      // It leads none.
    }
  });
}

/** Writes the error's message to stderr as one line and exits with code 1. */
export function exitWith(error: unknown): never {
  process.stderr.write(`multifrost: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
