// The likely cause of an exit that this parent did not ask for, and what to do about it.

import { constants } from "node:os";
import type { ExitDetails } from "@multifrost/protocol/errors";
import { fullMemoryHint, outputHint } from "./output-hint.js";

/** Exit codes by which a shell says that a signal ended what it ran: 128 and the signal's number. */
const SIGNALLED = 128;

const NATIVE_CRASH =
  "Native code crashed: an addon, a Python wheel, or the runtime itself. Install its packages again for exactly this runtime and " +
  "machine; for Python, -X faulthandler shows where it happens.";

const ENDED_FROM_OUTSIDE =
  "Another program ended it, not this parent: a service manager, a container's stop, or a person.";

/** What a signal that this parent did not send says. */
const SIGNALS: Readonly<Record<string, string>> = {
  SIGKILL:
    "It was killed from outside, not by this parent. Usually the system was out of memory, or the container at its limit " +
    "(`dmesg | grep -i 'out of memory'`, `docker inspect` says OOMKilled): give it more, or let the worker hold less.",
  SIGSEGV: NATIVE_CRASH,
  SIGBUS: `${NATIVE_CRASH} Or a file that it had mapped into memory was cut, or /dev/shm is full.`,
  SIGFPE: NATIVE_CRASH,
  SIGILL:
    "It met an instruction that this processor does not have: usually an addon or a Python wheel built for a newer or another " +
    "processor (AVX). Install a build for this machine, or build it from source.",
  SIGABRT:
    "It gave up by abort(): a failed check in native code or in the runtime. The last lines of its stderr say which.",
  SIGTRAP: "The runtime stopped itself after a fatal error. The last lines of its stderr say which.",
  SIGSYS: "It made a system call that is forbidden here, by a sandbox or a container's seccomp profile.",
  SIGXCPU: "It used up the processor time that `ulimit -t` allows.",
  SIGXFSZ: "It wrote a file larger than `ulimit -f` allows.",
  SIGPIPE: "It wrote to a pipe or socket whose other end was closed.",
  SIGTERM: ENDED_FROM_OUTSIDE,
  SIGINT: ENDED_FROM_OUTSIDE,
  SIGHUP: ENDED_FROM_OUTSIDE,
  SIGQUIT: ENDED_FROM_OUTSIDE,
};

/** Signals after which what the process wrote before says little about its end. */
const SUDDEN: ReadonlySet<string> = new Set(["SIGKILL", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"]);

/** By which Node says so, in most versions without a word. */
const UNSETTLED = 13;

const CODES: Readonly<Record<number, string>> = {
  0: "It ended by itself without an error: something called process.exit() or sys.exit(), or nothing was left to do.",
  126: "The shell found the program, but may not or cannot run it: make it executable (chmod +x), or name the program that runs it.",
  127: "The shell found no such program, or one of its libraries is missing: install it, or name it by its whole path.",
};

/** Codes of Windows, NTSTATUS values, and the signal that means the same elsewhere; a missing library is as 127. */
const WINDOWS_CODES: Readonly<Record<number, string>> = {
  3221225477: NATIVE_CRASH,
  3221225501: SIGNALS.SIGILL ?? "",
  3221225781: "A library (DLL) that it needs is missing: install what it depends on.",
  3221225725: "Its stack overflowed: a recursion has no end.",
  3221225786: ENDED_FROM_OUTSIDE,
};

/**
 * Reads the cause of an exit from its code or signal, and from the end of the output. One line; `undefined` where nothing is known.
 *
 * @param own What the program that ran the script knows about such output; see `LaunchPlan.hint`.
 */
export function exitHint(
  { exitCode, signal, stderrTail, stdoutTail, command }: Omit<ExitDetails, "hint">,
  own: (stderrTail: string) => string = () => "",
): string | undefined {
  const ended = signal ?? signalOf(exitCode);
  const written = `${stdoutTail}\n${stderrTail}`;
  // A full memory ends processes by different signals, and its message is unmistakable.
  const memory = fullMemoryHint(stderrTail);
  if (memory !== undefined && exitCode !== 0) {
    return memory;
  }
  if (ended !== undefined && SUDDEN.has(ended)) {
    return SIGNALS[ended];
  }
  const fromOutput = exitCode === 0 ? undefined : own(stderrTail) || outputHint(written, command);
  return fromOutput ?? (ended === undefined ? codeHint(exitCode, command) : SIGNALS[ended]);
}

function codeHint(exitCode: number | null, command: string): string | undefined {
  if (exitCode === UNSETTLED && /\bnode\b/.test(command)) {
    return "The script awaits something at its top level that never settles, and nothing else was left to do.";
  }
  return exitCode === null ? undefined : (CODES[exitCode] ?? WINDOWS_CODES[exitCode]);
}

/** The signal that a shell or wrapper reports by its exit code. */
function signalOf(exitCode: number | null): string | undefined {
  if (exitCode === null || exitCode <= SIGNALLED) {
    return undefined;
  }
  return Object.entries(constants.signals).find(([, number]) => number === exitCode - SIGNALLED)?.[0];
}
