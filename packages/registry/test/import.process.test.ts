import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "./support/temp-directory.js";

const root = fileURLToPath(new URL("..", import.meta.url));

function runInPackage(home: string, code: string): { stdout: string; stderr: string } {
  const env = { ...process.env, HOME: home, NODE_OPTIONS: "" };
  return spawnSync(process.execPath, ["--input-type=module", "-e", code], { cwd: root, env, encoding: "utf8" });
}

test("a program that registers and unregisters exits and leaves an empty registry", () => {
  const home = temporaryDirectory();
  const { stdout, stderr } = runInPackage(
    home,
    'import { createFileRegistry } from "@multifrost/registry"; const registry = createFileRegistry();' +
      'await registry.register({ serviceId: "math", port: 40123 }); console.log(await registry.unregister("math"));',
  );
  expect({ stdout, stderr }).toEqual({ stdout: "true\n", stderr: "" });
  expect(readdirSync(join(home, ".multifrost"))).toEqual(["services.json"]);
  expect(readFileSync(join(home, ".multifrost", "services.json"), "utf8")).toBe("{}\n");
});

test("importing the package and creating a registry has no effect on files or on signals", () => {
  const home = temporaryDirectory();
  const { stdout, stderr } = runInPackage(
    home,
    'import { createFileRegistry } from "@multifrost/registry"; createFileRegistry();' +
      "console.log(process.eventNames().filter((name) => /^SIG/.test(String(name))));",
  );
  expect(stderr).toBe("");
  expect(stdout).toBe("[]\n");
  expect(existsSync(join(home, ".multifrost"))).toBe(false);
});
