import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { zeromqClient } from "@multifrost/transport";
import { expect, test } from "vitest";
import { resolveChildOptions } from "../src/options.js";
import { openParent } from "./support/parent.js";
import { spawnEnvironment, startModule, temporaryHome } from "./support/processes.js";
import { services } from "./support/services.js";
import { until } from "./support/until.js";

const readme = readFileSync(fileURLToPath(new URL("../README.md", import.meta.url)), "utf8");
const [spawned = "", service = ""] = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);

test("the spawned worker in the README answers calls", async () => {
  const parent = await openParent(zeromqClient({ bind: {} }));
  const worker = startModule(spawned, spawnEnvironment(parent.port));
  expect(await parent.call("slowSquare", [7])).toMatchObject({ result: 49 });
  parent.shutdown();
  expect(await worker.ended).toBe(0);
});

test("the service in the README is found by its name", async () => {
  const home = temporaryHome();
  const worker = startModule(service, { HOME: home });
  await until(() => services(home)["math-service"] !== undefined);
  const port = services(home)["math-service"]?.port ?? 0;
  const parent = await openParent(zeromqClient({ connect: { port } }));
  expect(await parent.call("add", [1, 2])).toMatchObject({ result: 3 });
  worker.process.kill("SIGTERM");
  expect(await worker.ended).toBe(0);
});

test("the table of options has every option, with its default", () => {
  const rows = new Map([...readme.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\|/gm)].map(([, name, text]) => [name, text]));
  const { stopTimeout, maxPending, ...words } = resolveChildOptions();
  expect(Number(rows.get("maxPending")?.replaceAll(" ", ""))).toBe(maxPending);
  expect(Number(rows.get("stopTimeout"))).toBe(stopTimeout);
  for (const [name, value] of Object.entries(words)) {
    expect([name, rows.get(name)]).toEqual([name, `\`${value}\``]);
  }
  const source = readFileSync(fileURLToPath(new URL("../src/options.ts", import.meta.url)), "utf8");
  const declared = /interface ChildOptions \{(.*?)\n\}/s.exec(source)?.[1] ?? "";
  const names = [...declared.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !rows.has(name))).toEqual([]);
});
