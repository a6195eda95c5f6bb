import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { createFileRegistry } from "../src/index.js";
import { lockIdentity } from "../src/stale-lock.js";
import { deadPid, end, nextMessage, startFixture } from "./support/processes.js";
import { temporaryDirectory } from "./support/temp-directory.js";

const allThree = ["registry.lock", "services.json.lock", "services.json.lock.holder", "services.lock"];

test("three locks whose holder was killed are broken at once", async () => {
  const directory = temporaryDirectory();
  const holder = startFixture("holds-locks.mjs", directory, "all");
  await nextMessage(holder);
  await end(holder, "SIGKILL");
  expect(readdirSync(directory)).toEqual(allThree);
  const registry = createFileRegistry({ directory, lockTimeoutMs: 2000 });
  expect(await registry.register({ serviceId: "math", port: 4000 })).toMatchObject({ port: 4000 });
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test.each(["registry.lock", "services.lock"])(
  "%s of another implementation keeps writers out until its holder is killed",
  async (name) => {
    const directory = temporaryDirectory();
    const holder = startFixture("holds-locks.mjs", directory, name);
    await nextMessage(holder);
    const impatient = createFileRegistry({ directory, lockTimeoutMs: 100 });
    await expect(impatient.register({ serviceId: "math", port: 4000 })).rejects.toMatchObject({
      code: "LOCK_TIMEOUT",
      file: join(directory, name),
      pid: holder.pid,
    });
    const waiting = createFileRegistry({ directory }).register({ serviceId: "math", port: 4000 });
    await vi.waitFor(() => expect(existsSync(join(directory, "services.json.lock"))).toBe(true), 10_000);
    await end(holder, "SIGKILL");
    expect(await waiting).toMatchObject({ port: 4000 });
    expect(readdirSync(directory)).toEqual(["services.json"]);
  },
);

test("the directory of the older JavaScript implementation blocks writers until its holder has been dead for 10 s", async () => {
  const directory = temporaryDirectory();
  const lock = join(directory, "services.json.lock");
  const holder = startFixture("holds-locks.mjs", directory, "services.json.lock");
  await nextMessage(holder);
  await end(holder, "SIGKILL");
  const impatient = createFileRegistry({ directory, lockTimeoutMs: 100 });
  await expect(impatient.register({ serviceId: "math", port: 4000 })).rejects.toMatchObject({
    code: "LOCK_TIMEOUT",
    file: lock,
  });
  utimesSync(lock, new Date(), new Date(Date.now() - 10_000));
  expect(await createFileRegistry({ directory }).register({ serviceId: "math", port: 4000 })).toMatchObject({
    port: 4000,
  });
  expect(readdirSync(directory)).toEqual(["services.json"]);
});

test("a process that exits, or is ended by an unhandled signal, releases its locks", async () => {
  const directory = temporaryDirectory();
  const exiting = startFixture("holds-locks.mjs", directory, "all");
  await nextMessage(exiting);
  expect(readdirSync(directory)).toEqual(allThree);
  const exit = new Promise((resolve) => exiting.once("exit", resolve));
  exiting.send("exit");
  await exit;
  expect(readdirSync(directory)).toEqual([]);

  const ended = startFixture("holds-locks.mjs", directory, "all");
  await nextMessage(ended);
  await end(ended, "SIGTERM");
  expect(ended.signalCode).toBe("SIGTERM");
  expect(readdirSync(directory)).toEqual([]);
});

test.each(["file", "directory"])(
  "of three who break a stale %s in the same moment exactly one gets it",
  async (kind) => {
    const directory = temporaryDirectory();
    const rows = Array.from({ length: 300 }, (_, index) => index);
    const dead = deadPid();
    for (const index of rows) {
      const lock = join(directory, `${index}.lock`);
      if (kind === "file") {
        writeFileSync(lock, `${dead}`);
      } else {
        mkdirSync(lock);
        utimesSync(lock, new Date(), new Date(Date.now() - 10_000));
      }
    }
    const children = [1, 2, 3].map(() => startFixture("breaks-stale-locks.mjs", directory, kind, `${rows.length}`));
    await Promise.all(children.map(nextMessage));
    const answers = Promise.all(children.map(nextMessage));
    const at = Date.now() + 20;
    for (const child of children) {
      child.send({ at });
    }
    const won = (await answers).flat() as number[];
    expect(won.sort((one, other) => one - other)).toEqual(rows);
  },
);

test("[REG-9] processes waiting for the same stale locks get them one at a time", async () => {
  const directory = temporaryDirectory();
  const children = Array.from({ length: 4 }, () => startFixture("takes-locks-on-demand.mjs", directory));
  await Promise.all(children.map(nextMessage));
  for (let round = 0; round < 10; round += 1) {
    placeStaleLocks(directory);
    const answers = Promise.all(children.map(nextMessage));
    const at = Date.now() + 10;
    for (const child of children) {
      child.send({ at });
    }
    expect(await answers).toEqual(children.map(() => ({ alone: true })));
    await vi.waitFor(() => expect(readdirSync(directory)).toEqual([]), 10_000);
  }
});

function placeStaleLocks(directory: string): void {
  const dead = deadPid();
  const lock = join(directory, "services.json.lock");
  mkdirSync(lock);
  writeFileSync(`${lock}.holder`, `${dead} ${lockIdentity(lock)}`);
  writeFileSync(join(directory, "registry.lock"), `${dead}`);
  writeFileSync(join(directory, "services.lock"), `${dead}`);
}
