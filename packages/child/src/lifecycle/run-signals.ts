// What `run()` adds to `start()`: signals end the process, and an error at the start is one line on stderr.

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

/** Writes the error's message to stderr as one line and exits with code 1. */
export function exitWith(error: unknown): never {
  process.stderr.write(`multifrost: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
