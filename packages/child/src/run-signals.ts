// What `run()` adds to `start()`: it owns the process. Signals end it in order, a second one at once, and what goes
// wrong is one line for a person, not a stack.

/** The exit code of a process that a signal ended, as shells count it: 128 and the signal's number. */
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

/** Says why in one line on stderr, and ends with exit code 1. */
export function exitWith(error: unknown): never {
  process.stderr.write(`multifrost: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
