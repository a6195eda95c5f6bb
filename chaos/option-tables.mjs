// Every option of every entry point, with what it may be: the documented rule, written down a second time.

import * as child from "@multifrost/child";
import * as parent from "@multifrost/parent";
import { createCodec } from "@multifrost/protocol";
import { createFileRegistry } from "@multifrost/registry";
import {
  Backoff,
  CircuitBreaker,
  HeartbeatMonitor,
  jsonLinesLogger,
  Metrics,
  prettyLogger,
  RestartBudget,
  systemClock,
} from "@multifrost/reliability";
import { ChannelFaults, ProcessFaults, testWorker } from "@multifrost/testing";
import { createMemoryTransport, zeromqClient, zeromqServer, zmtpClient, zmtpServer } from "@multifrost/transport";

const { ParentWorker } = parent;
class Worker extends child.ChildWorker {}

const isNumber = (value) => typeof value === "number";
const isText = (value) => typeof value === "string";
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const has = (value, ...names) =>
  (isObject(value) || typeof value === "function") && names.every((name) => name in value);

const from = (least) => (value) => isNumber(value) && value >= least;
const upTo = (least, most) => (value) => isNumber(value) && value >= least && value <= most;
const count = (least) => (value) => (Number.isInteger(value) || value === Infinity) && value >= least;
const bound = (value) => Number.isSafeInteger(value) && value >= 1;
const above0 = (value) => isNumber(value) && value > 0;
const oneOf =
  (...names) =>
  (value) =>
    names.includes(value);
const flag = oneOf(true, false);
const name = (value) => isText(value) && value !== "";
const word = (value) => isText(value) && !value.includes("\0");
const words = (value) => Array.isArray(value) && [...value].every(word);
const callback = (value) => typeof value === "function";
const textsIn = (value) => isObject(value) && Object.values(value).every(isText);
const port = (least) => (value) => Number.isInteger(value) && value >= least && value <= 65_535;
const none = () => false;

const LONGEST_MS = 2 ** 31 - 1;
const LONGEST_SECONDS = 2_147_483;
const logger = (value) => value === false || has(value, "info", "warn", "error");
const transportName = oneOf("auto", "zmtp", "zeromq");
const share = upTo(0, 1);

const LIMITS = Object.fromEntries(
  [
    "maxMessageBytes",
    "maxStringBytes",
    "maxBinaryBytes",
    "maxArrayLength",
    "maxMapLength",
    "maxValues",
    "maxObjects",
    "maxDepth",
  ].map((limit) => [limit, bound]),
);
/** Of the values tried here: objects without names, as no limit is called `a` or `0`. */
const limits = (value) => isObject(value) && Object.keys(value).length === 0 && !isText(value.valueOf?.());

const PARENT = {
  name,
  defaultTimeout: above0,
  autoRestart: flag,
  maxRestartAttempts: count(1),
  heartbeatInterval: from(0),
  heartbeatTimeout: above0,
  heartbeatMaxMisses: count(1),
  stallTimeout: from(0),
  circuitResetTimeout: upTo(0, LONGEST_SECONDS),
  restartBackoff: upTo(0, LONGEST_SECONDS),
  restartWindow: from(0),
  stopTimeout: from(0),
  startTimeout: above0,
  maxPending: count(1),
  maxPendingBytes: count(1),
  isFailure: callback,
  namespace: isText,
  clientName: isText,
  app: name,
  limits,
  interfaceHash: (value) => isText(value) && /^[0-9a-f]{64}$/.test(value),
  logger,
};
const SPAWN = {
  ...PARENT,
  transport: transportName,
  args: words,
  execArgv: words,
  cwd: (value) => word(value) && value !== "",
  env: (value) => isObject(value) && Object.values(value).every((each) => each === undefined || word(each)),
  shell: flag,
};
const CONNECT = { ...PARENT, transport: transportName, timeout: from(0), registry: none, host: name };
const CALL = { timeout: above0, signal: none, namespace: isText, clientName: isText, metadata: isObject };
const CHILD = {
  serviceId: name,
  namespace: isText,
  otherNamespaces: oneOf("answer", "ignore"),
  maxConcurrency: count(1),
  maxPending: count(1),
  maxPendingBytes: count(1),
  stopTimeout: from(0),
  allowRemoteShutdown: flag,
  forwardOutput: flag,
  transport: transportName,
  registry: none,
  host: name,
  app: name,
  limits,
  logger,
};
const CHANNEL = { maxMessageBytes: bound, maxQueuedMessages: bound, maxQueuedBytes: bound };
/** Addresses have tables of their parts; what has none of these listens on a port that the system chooses. */
const bindAddress = (value) => isObject(value) && Object.keys(value).length === 0 && !isText(value.valueOf?.());
const ZMTP = {
  ...CHANNEL,
  bind: bindAddress,
  connect: none,
  maxFrames: count(2),
  maxHeldBytes: count(1),
  maxPeers: count(1),
  identity: (value) => isText(value) && value.length <= 150 && !/^\0|[^\0-\xff]/.test(value),
  properties: (value) => textsIn(value) && Object.keys(value).length === 0,
  handshakeTimeoutMs: upTo(1, LONGEST_MS),
  heartbeatIntervalMs: upTo(0, LONGEST_MS),
  reconnectDelayMs: upTo(1, LONGEST_MS),
  maxReconnectDelayMs: upTo(1, LONGEST_MS),
  maxUndecided: count(1),
  singleGuest: flag,
};
const ZEROMQ = { ...CHANNEL, bind: bindAddress, connect: none };
const BIND = { host: name, port: port(0) };
const TO = { host: name, port: port(1) };
const socketPath = (value) => isText(value) && value !== "" && Buffer.byteLength(value) <= 107 && !value.includes("\0");

const clock = systemClock();
const memory = createMemoryTransport();
/** A registry without services. */
const empty = { discover: () => Promise.reject(new Error("Nothing is registered.")) };
const files = createFileRegistry({ directory: "/dev/null/multifrost", lockTimeoutMs: 0 });
const idle = () => new ParentWorker({ transport: memory.client(), logger: false });
const heartbeat = { clock, newId: () => "id", send() {} };

/** An option that replaces those that it excludes. */
const instead = (options, ...excluding) =>
  Object.keys(options).some((each) => excluding.includes(each)) ? options : undefined;
const zmtp = (make) => (options) => make(instead(options, "bind", "connect") ?? { bind: {}, ...options });

/**
 * What has options: its name in messages, its options, and a use. `inside` is the option that has them, where they are a part
 * of others.
 */
export const TABLES = [
  { owner: "ParentWorker.spawn()", options: SPAWN, use: (options) => ParentWorker.spawn("./worker.js", options) },
  {
    owner: "ParentWorker.connect()",
    options: CONNECT,
    use: (options) => ParentWorker.connect("none", { timeout: 1, registry: empty, ...options }),
  },
  {
    owner: "new ParentWorker()",
    options: { ...PARENT, transport: none },
    use: (options) => new ParentWorker({ transport: memory.client(), ...options }),
  },
  { owner: "a call", options: CALL, use: (options) => idle().callFunction("add", [], options) },
  { owner: "a call", options: CALL, use: (options) => idle().withOptions(options).add() },
  { owner: "a call", options: CALL, use: (options) => idle().listFunctions(options) },
  { owner: "a call", options: CALL, use: (options) => idle().describe(options) },
  { owner: "ChildWorker", options: CHILD, use: (options) => new Worker(options) },
  { owner: "start()", options: { transport: none }, use: (options) => new Worker({ serviceId: "x" }).start(options) },
  {
    owner: "limits",
    options: LIMITS,
    inside: "limits",
    use: (options) => new ParentWorker({ transport: memory.client(), limits: options }),
  },
  { owner: "limits", options: LIMITS, inside: "limits", use: (options) => new Worker({ limits: options }) },
  { owner: "createCodec", options: { app: name, limits }, use: createCodec },
  {
    owner: "createFileRegistry",
    options: { directory: name, lockTimeoutMs: from(0), onWarning: callback },
    use: createFileRegistry,
  },
  {
    owner: "register()",
    options: {
      serviceId: (value) => name(value) && value.length <= 255 && !/[\p{Cc}\p{Cs}]/u.test(value),
      port: port(1),
      pid: (value) => Number.isSafeInteger(value) && value >= 1,
    },
    use: (options) => files.register({ serviceId: "none", port: 4000, ...options }),
  },
  {
    owner: "discover",
    options: { timeoutMs: from(0), signal: none },
    use: (options) => files.discover("none", { signal: AbortSignal.abort(), ...options }),
  },
  {
    owner: "CircuitBreaker",
    options: {
      clock: none,
      failureThreshold: count(1),
      resetTimeoutMs: upTo(0, LONGEST_MS),
      resetTimeoutMaxMs: upTo(0, LONGEST_MS),
      onChange: callback,
    },
    use: (options) => new CircuitBreaker({ clock, ...options }),
  },
  {
    owner: "Metrics",
    options: { clock: none, circuitState: callback, latencyWindowMs: from(1) },
    use: (options) => new Metrics({ clock, ...options }),
  },
  {
    owner: "RestartBudget",
    options: { clock: none, maxAttempts: count(0), windowMs: from(0) },
    use: (options) => new RestartBudget({ clock, ...options }),
  },
  {
    owner: "Backoff",
    options: { baseMs: upTo(0, LONGEST_MS), maxMs: upTo(0, LONGEST_MS), random: callback },
    use: (options) => new Backoff(options),
  },
  {
    owner: "HeartbeatMonitor",
    options: {
      clock: none,
      intervalMs: from(0),
      timeoutMs: from(0),
      maxMisses: count(1),
      stallTimeoutMs: from(0),
      newId: callback,
      send: callback,
      received: callback,
      onAnswer: callback,
      onMiss: callback,
      onRecovered: callback,
      onStalled: callback,
      onLost: callback,
    },
    use: (options) => new HeartbeatMonitor({ ...heartbeat, ...options }),
  },
  ...[
    ["prettyLogger", prettyLogger],
    ["jsonLinesLogger", jsonLinesLogger],
  ].map(([owner, use]) => ({
    owner,
    options: { write: callback, level: oneOf("debug", "info", "warn", "error") },
    use,
  })),
  { owner: "createMemoryTransport()", options: CHANNEL, use: createMemoryTransport },
  { owner: "zmtpClient()", options: ZMTP, use: zmtp(zmtpClient) },
  { owner: "zmtpServer()", options: ZMTP, use: zmtp(zmtpServer) },
  { owner: "zeromqClient()", options: ZEROMQ, use: zmtp(zeromqClient) },
  { owner: "zeromqServer()", options: ZEROMQ, use: zmtp(zeromqServer) },
  ...[zmtpClient, zmtpServer, zeromqClient, zeromqServer].flatMap((make) => [
    { owner: "bind", options: BIND, inside: "bind", use: (options) => make({ bind: options }) },
    {
      owner: "connect",
      options: TO,
      inside: "connect",
      use: (options) => make({ connect: { port: 4000, ...options } }),
    },
  ]),
  ...[zmtpClient, zmtpServer].flatMap((make) => [
    {
      owner: "bind",
      options: { path: socketPath },
      inside: "bind",
      use: (options) => make({ bind: { path: "/tmp/socket", ...options } }),
    },
    {
      owner: "bind",
      options: { private: oneOf(true) },
      inside: "bind",
      use: (options) => make({ bind: { private: true, ...options } }),
    },
    {
      owner: "connect",
      options: { path: socketPath },
      inside: "connect",
      use: (options) => make({ connect: { path: "/tmp/socket", ...options } }),
    },
  ]),
  {
    owner: "ChannelFaults",
    options: {
      seed: (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32,
      drop: share,
      duplicate: share,
      reorder: share,
      corrupt: share,
      delay: share,
      maxDelayMs: upTo(0, 60_000),
      cut: share,
    },
    use: (options) => new ChannelFaults({ seed: 1, ...options }),
  },
  {
    owner: "ProcessFaults",
    options: {
      seed: (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32,
      slowStartMs: upTo(0, 60_000),
      crashes: share,
      firstCrashes: count(0),
    },
    use: (options) => new ProcessFaults({ seed: 1, ...options }),
  },
  {
    owner: "new ParentWorker()",
    options: { ...PARENT, faults: none },
    // A transport is there already.
    unknown: ["transport"],
    use: async (options) =>
      (await testWorker(new Worker({ logger: false }), { logger: false, startTimeout: 100, ...options })).stop(),
  },
];
