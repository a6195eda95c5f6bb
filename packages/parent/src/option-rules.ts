// What each option of a parent must be: one table for each kind of options.

import {
  CALLBACK,
  checkOptions,
  countFrom,
  FLAG,
  LOGGER,
  NAME,
  numberFrom,
  type OptionRule,
  type OptionRules,
  objectWith,
  rule,
  SIGNAL,
  TEXT,
} from "@multifrost/protocol/internal";
import type { CallOptions, ComposedOptions, ConnectOptions, ParentOptions, SpawnOptions } from "./options.js";
import type { ConnectMode } from "./session/types.js";

/** As long as timers wait, about 24 days. */
const LONGEST_SECONDS = 2_147_483;

const TIMEOUT = rule(
  "a number of milliseconds above 0; leave it out for no limit",
  (value) => typeof value === "number" && value > 0,
);
const SECONDS = numberFrom(0);
const DELAY = rule(
  `a number of seconds from 0 to ${LONGEST_SECONDS}`,
  (value) => typeof value === "number" && value >= 0 && value <= LONGEST_SECONDS,
);
const OBJECT = rule("an object", (value) => typeof value === "object" && value !== null && !Array.isArray(value));
const TRANSPORT = rule("'auto', 'zmtp' or 'zeromq'", (value) => ["auto", "zmtp", "zeromq"].includes(value as string));

/** A word of a command line: the system takes none with a zero byte. */
const isWord = (value: unknown): value is string => typeof value === "string" && !value.includes("\0");

/** A hole in an array is no word: `every` would pass over it. */
const allWords = (values: readonly unknown[]): boolean => Array.from(values).every(isWord);

const WORDS = rule("an array of texts without zero bytes", (value) => Array.isArray(value) && allWords(value));

const PARENT: OptionRules<ParentOptions> = {
  name: NAME,
  defaultTimeout: TIMEOUT,
  autoRestart: FLAG,
  maxRestartAttempts: countFrom(1),
  heartbeatInterval: SECONDS,
  heartbeatTimeout: rule("a number of seconds above 0", (value) => typeof value === "number" && value > 0),
  heartbeatMaxMisses: countFrom(1),
  stallTimeout: SECONDS,
  circuitResetTimeout: DELAY,
  restartBackoff: DELAY,
  restartWindow: SECONDS,
  stopTimeout: SECONDS,
  startTimeout: TIMEOUT,
  maxPending: countFrom(1),
  maxPendingBytes: countFrom(1),
  isFailure: CALLBACK,
  namespace: TEXT,
  clientName: TEXT,
  app: NAME,
  // Its parts are checked where the codec is made.
  limits: OBJECT,
  interfaceHash: rule(
    "64 hexadecimal digits, as interfaceHash() returns them",
    (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value),
  ),
  logger: LOGGER,
};

const SPAWN: OptionRules<SpawnOptions> = {
  ...PARENT,
  transport: TRANSPORT,
  execArgv: WORDS,
  args: WORDS,
  cwd: rule("the path of a directory", (value) => isWord(value) && value !== ""),
  env: rule(
    "an object of texts, with undefined for a variable to remove",
    (value) =>
      OBJECT.accepts(value) && Object.values(value as object).every((each) => each === undefined || isWord(each)),
  ),
  shell: FLAG,
};

const CONNECT: OptionRules<ConnectOptions> = {
  ...PARENT,
  transport: TRANSPORT,
  timeout: rule("a number of milliseconds of at least 0", SECONDS.accepts),
  registry: objectWith("a ServiceRegistry, such as createFileRegistry() returns", "discover"),
  host: NAME,
};

const COMPOSED: OptionRules<ComposedOptions> = {
  ...PARENT,
  transport: objectWith(
    "a ClientTransport; to start a worker use ParentWorker.spawn(), to find one ParentWorker.connect()",
    "open",
  ),
};

const CALL: OptionRules<CallOptions> = {
  timeout: TIMEOUT,
  signal: SIGNAL,
  namespace: TEXT,
  clientName: TEXT,
  metadata: OBJECT,
};

const KINDS: Readonly<
  Record<ConnectMode["kind"], readonly [owner: string, rules: Readonly<Record<string, OptionRule>>]>
> = {
  spawned: ["ParentWorker.spawn()", SPAWN],
  service: ["ParentWorker.connect()", CONNECT],
  composed: ["new ParentWorker()", COMPOSED],
};

/** Throws `MultifrostError` `INVALID_OPTION`, naming the option, what it must be and what it is. */
export function checkParentOptions(kind: ConnectMode["kind"], options: unknown): void {
  const [owner, rules] = KINDS[kind];
  checkOptions(owner, options, rules);
}

/** As {@link checkParentOptions}. */
export function checkCallOptions(options: unknown): void {
  checkOptions("a call", options, CALL);
}

/** The program that runs a script. */
export const EXECUTABLE: OptionRule = rule(
  "a program's name, or an array of a program and its leading arguments",
  (value) => {
    const words: readonly unknown[] = Array.isArray(value) ? value : [value];
    return words.length > 0 && allWords(words) && words[0] !== "";
  },
);
