// Private endpoints and paths. No test runs on Windows: of its named pipes only the names are checked.

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { privateEndpoint, zmtpClient, zmtpServer } from "../src/index.js";
import { formatEndpoint } from "../src/zmtp/addresses.js";

describe("a private endpoint", () => {
  it("is a socket in a directory that only this user can enter, and is removed with it", async () => {
    const { path, remove } = await privateEndpoint();
    const directory = await stat(dirname(path));
    expect(directory.mode & 0o777).toBe(0o700);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103);
    await remove();
    await expect(stat(dirname(path))).rejects.toMatchObject({ code: "ENOENT" });
    await remove();
  });
});

describe("on Windows", () => {
  const { platform } = process;
  beforeEach(() => void Object.defineProperty(process, "platform", { value: "win32" }));
  afterEach(() => void Object.defineProperty(process, "platform", { value: platform }));

  it("a private endpoint is a named pipe with a random name", async () => {
    const [one, two] = await Promise.all([privateEndpoint(), privateEndpoint()]);
    expect(one.path).toMatch(/^\\\\\.\\pipe\\multifrost-[0-9a-f-]{36}$/);
    expect(two.path).not.toBe(one.path);
    expect(formatEndpoint(one)).toBe(`ipc://${one.path}`);
    await one.remove();
  });

  it.each([String.raw`\\.\pipe\worker`, String.raw`\\?\pipe\worker`])("a path is the name of a pipe: %s", (path) => {
    expect(() => zmtpServer({ bind: { path } })).not.toThrow();
    expect(() => zmtpClient({ connect: { path } })).not.toThrow();
  });

  it.each(["/tmp/worker.sock", String.raw`C:\worker.sock`, String.raw`\\.\pipe`, ""])(
    "and nothing else: %j",
    (path) => {
      const refused = expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining("pipe") });
      expect(() => zmtpServer({ bind: { path } })).toThrow(refused);
      expect(() => zmtpClient({ connect: { path } })).toThrow(refused);
    },
  );
});
