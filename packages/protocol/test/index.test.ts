import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as errors from "../src/errors/index.js";
import * as protocol from "../src/index.js";

const folder = fileURLToPath(new URL("..", import.meta.url));

it("the package is these names and no others", () => {
  const classes = [
    ...["AbortError", "CircuitOpenError", "ConnectionError", "MalformedMessageError", "MultifrostError"],
    ...["NotRunningError", "OverloadError", "RegistryError", "RemoteCallError", "SerializationError", "SpawnError"],
    ...["TimeoutError", "WorkerExitedError"],
  ];
  expect(Object.keys(errors).sort()).toEqual(classes);
  const rest = [
    ...["APP_ID", "DEFAULT_LIMITS", "DEFAULT_NAMESPACE", "PORT_VARIABLE", "UNFORWARDED_WRITE", "WORKER_MODE_VARIABLE"],
    ...["answerHeartbeat", "completeLimits", "createCall", "createCodec", "createError", "createHeartbeat"],
    ...["createLineSplitter", "createOutput", "createReady", "createResponse", "createShutdown", "describeThrown"],
    ...["interfaceDeclaration", "interfaceHash", "newMessageId", "parsePort", "readInterface", "readRemoteError"],
    "wireTime",
  ];
  expect(Object.keys(protocol).sort()).toEqual([...classes, ...rest].sort());
});

it("the built package imports nothing but its own files and @msgpack/msgpack, which it declares", () => {
  const files = readdirSync(join(folder, "dist"), { recursive: true }).map(String);
  const imported = files
    .filter((file) => /\.(js|d\.ts)$/.test(file))
    .flatMap((file) => [
      ...readFileSync(join(folder, "dist", file), "utf8").matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g),
    ])
    .map(([, specifier = ""]) => specifier);
  const bare = imported.filter((specifier) => !specifier.startsWith("."));
  expect(imported.length).toBeGreaterThan(30);
  expect([...new Set(bare)]).toEqual(["@msgpack/msgpack"]);
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  expect(Object.keys(dependencies)).toEqual(["@msgpack/msgpack"]);
});

it("the built package works where there is nothing of Node", () => {
  const script = join(folder, "test/fixtures/without-node.mjs");
  const output = execFileSync(process.execPath, ["--experimental-vm-modules", "--no-warnings", script], {
    encoding: "utf8",
  });
  expect(JSON.parse(output)).toEqual([1, "1152921504606846976", [1, 2], 300, "x"]);
});
