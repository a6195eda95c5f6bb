// Who is measured. Each contender is a module of this folder with `open()`, and a script for the process at the other end.
//
// `open(options)` starts the other end and returns
//   add(a, b)     the sum, made at the other end
//   echo(bytes)   the same bytes, back from the other end
//   object(value) the same object, back from the other end
//   wait()        nothing, ever: a call that stays pending
//   close()       ends the other end
// A contender that only moves bytes answers add() with bytes made in advance, and has no object() and no wait().

import { fileURLToPath } from "node:url";

const PYZMQ_ECHO = fileURLToPath(new URL("../languages/python/echo.py", import.meta.url));

/** The zeromq library at both ends. */
const ZEROMQ = { transport: "zeromq", env: { MULTIFROST_TRANSPORT: "zeromq" } };

/** In the order of the tables: id, what to call it, module, and what open() is given. */
export const contenders = [
  contender("multifrost", "Multifrost", "multifrost"),
  contender("multifrost-tcp", "Multifrost, a service over TCP", "multifrost-service"),
  contender("multifrost-zeromq", "Multifrost on zeromq.js", "multifrost", ZEROMQ),
  contender("bare-unix", "Bare echo, Unix socket", "bare-net", { unix: true }),
  contender("bare-tcp", "Bare echo, TCP", "bare-net", { unix: false }),
  contender("bare-zeromq", "Bare echo, zeromq.js", "bare-zeromq"),
  contender("fork-json", "fork, JSON", "fork", { serialization: "json" }),
  contender("fork-advanced", "fork, advanced", "fork", { serialization: "advanced" }),
  contender("worker-threads", "worker_threads", "worker-threads"),
  packaged("piscina", "piscina, one thread"),
  packaged("workerpool", "workerpool, one thread"),
  packaged("birpc", "birpc over fork"),
  packaged("vscode-jsonrpc", "vscode-jsonrpc over stdio"),
  packaged("kkrpc", "kkrpc over stdio"),
  packaged("grpc-js", "grpc-js"),
  packaged("connect-node", "connect-node, HTTP/2", 22),
  packaged("execa", "execa IPC", 22),
  packaged("procwire", "@procwire/core", 22),
  { ...contender("multifrost-22", "Multifrost on Node 22", "multifrost"), node: 22 },
  // Workers in Python: `pnpm bench:python`. They only add.
  inPython("python", "Multifrost, Python worker", "multifrost", { transport: "zmtp" }),
  inPython("python-zeromq", "Multifrost, Python worker, both on ZeroMQ", "multifrost", { transport: "zeromq" }),
  inPython("python-bare-zeromq", "Bare echo, pyzmq", "../bare-zeromq", { command: ["python3", PYZMQ_ECHO] }),
  inPython("python-shell", "python-shell, JSON lines", "python-shell"),
  inPython("pythonia", "pythonia (JSPyBridge)", "pythonia"),
  inPython("grpcio", "grpcio, threads", "grpcio", { server: "threads" }),
  inPython("grpcio-asyncio", "grpcio, asyncio", "grpcio", { server: "asyncio" }),
  // What parts of Multifrost cost: the two are compared with each other.
  aside("multifrost-measured", "Multifrost with metrics, breaker, events and a deadline", "multifrost-parts", {
    measured: true,
    options: { defaultTimeout: 60_000 },
  }),
  aside("multifrost-unmeasured", "without them", "multifrost-parts", { measured: false }),
];

/** Throws for an id that no contender has. */
export function findContender(id) {
  const found = contenders.find((candidate) => candidate.id === id);
  if (found === undefined) {
    throw new Error(`No contender is called ${id}. There are: ${contenders.map((known) => known.id).join(", ")}.`);
  }
  return found;
}

/** One that needs the packages of this folder's package.json, and this version of Node or a later one. */
function packaged(id, title, node) {
  return { ...contender(id, title, id), packaged: true, node };
}

/** One with a Python process at the other end. Some need what `../python/requirements.txt` lists. */
function inPython(id, title, module, options) {
  return { ...aside(id, title, `python/${module}`, options), packaged: true, python: true };
}

/** One that only some cases are about. */
function aside(...args) {
  return { ...contender(...args), aside: true };
}

function contender(id, title, module, options = {}) {
  return { id, title, module: new URL(`./${module}.mjs`, import.meta.url).href, options };
}
