// Every vector of interop/vectors, read and written; and the vectors themselves.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MalformedMessageError } from "../src/errors/index.js";
import { createCodec, type ErrorMessage, type Message } from "../src/index.js";
import {
  expectedError,
  matrixRows,
  messageOf,
  remoteErrorOf,
  untagged,
  VECTORS_FOLDER,
  vectorFiles,
} from "./vectors.js";
import { fromHex, roundTrip, toHex } from "./wire.js";

const codec = createCodec();
const files = vectorFiles();
const vectors = Object.values(files).flat();

afterEach(() => {
  vi.restoreAllMocks();
});

/** A message, or how its bytes were refused. */
function decode(hex: string): Message | "dropped" | "ignored" {
  try {
    return codec.decode(fromHex(hex));
  } catch (error) {
    if (error instanceof MalformedMessageError) {
      return error.code === "FOREIGN_APP" || error.code === "UNKNOWN_TYPE" ? "ignored" : "dropped";
    }
    throw error;
  }
}

describe.each(Object.entries(files))("%s", (_file, content) => {
  for (const vector of content) {
    const title = `${vector.rules.map((rule) => `[${rule}]`).join(" ")} ${vector.name}`;
    it(`${title} is ${vector.outcome}`, () => {
      expect(decode(vector.hex)).toStrictEqual(vector.outcome === "read" ? messageOf(vector) : vector.outcome);
    });
    if (vector.written && vector.except?.ts === undefined) {
      it(`${title} is written`, () => {
        expect(toHex(codec.encode(messageOf(vector)))).toBe(vector.hex);
      });
    }
    if (vector.answers !== undefined) {
      it(`${title} is the answer to its heartbeat`, () => {
        vi.spyOn(Date, "now").mockReturnValue(1_700_000_000_250);
        expect(toHex(codec.answerHeartbeat(fromHex(vector.answers ?? "")))).toBe(vector.hex);
      });
    }
    if (vector.message?.type === "error") {
      it(`${title} is what the caller receives`, () => {
        expect(remoteErrorOf(decode(vector.hex) as ErrorMessage)).toStrictEqual(
          vector.remote && expectedError(vector.remote),
        );
      });
    }
  }
});

describe("the values of the matrix", () => {
  const rows = matrixRows();

  it.each(rows)("$name arrives as expected", ({ value, back = value }) => {
    expect(roundTrip(untagged(value))).toStrictEqual(untagged(back));
  });

  it("are many, with unique names", () => {
    expect(rows.length).toBeGreaterThanOrEqual(40);
    expect(repeated(rows.map(({ name }) => name))).toEqual([]);
  });

  it("have no float that JavaScript can send only as an integer", () => {
    const floats = JSON.stringify(rows).matchAll(/"\$float":"([^"]+)"/g);
    expect([...floats].filter(([, digits]) => Number.isSafeInteger(Number(digits)))).toEqual([]);
  });
});

describe("the vectors", () => {
  const LANGUAGES = ["ts", "python", "go", "rust"];
  /** Rules of what a writer refuses or does with a language's own values, and of memory: nothing of them is on the wire. */
  const WITHOUT_BYTES = ["VAL-5", "VAL-15", "VAL-18", "VAL-19", "VAL-20", "VAL-21", "VAL-22", "LIM-6"];

  it("are what make.mjs generates, as are the values of the matrix", async () => {
    const made = (await import(pathToFileURL(`${VECTORS_FOLDER}make.mjs`).href)) as Record<string, object>;
    expect(JSON.stringify(files)).toBe(JSON.stringify(made.files));
    expect(JSON.stringify(matrixRows())).toBe(JSON.stringify(made.matrixValues));
  });

  it("are many, with unique names and bytes", () => {
    expect(vectors.length).toBeGreaterThanOrEqual(120);
    expect(repeated(vectors.map(({ name }) => name))).toEqual([]);
    expect(repeated(vectors.filter(({ message }) => !message).map(({ hex }) => hex))).toEqual([]);
  });

  it("have the meaning of each message that is read, and of no other", () => {
    for (const { outcome, message, written, name } of vectors) {
      expect([message !== undefined, written !== undefined], name).toEqual(Array(2).fill(outcome === "read"));
    }
  });

  it("cover every rule of messages, values and limits, and name only existing rules", () => {
    const document = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8");
    const rules = [...document.matchAll(/^- \*\*([A-Z]+-\d+)\*\* /gm)].map(([, id = ""]) => id);
    const shown = new Set(vectors.flatMap((vector) => vector.rules));
    const wanted = rules.filter((id) => /^(MSG|VAL|LIM)-/.test(id) && !WITHOUT_BYTES.includes(id));
    expect(wanted.filter((id) => !shown.has(id))).toEqual([]);
    expect([...shown].filter((id) => !rules.includes(id))).toEqual([]);
  });

  it("make exceptions only for known languages, with a reason, and never for all", () => {
    for (const { name, written, except } of vectors.filter((vector) => vector.except !== undefined)) {
      const languages = Object.keys(except ?? {});
      expect(written, name).toBe(true);
      expect(LANGUAGES, name).toEqual(expect.arrayContaining(languages));
      expect(languages.length, name).toBeLessThan(LANGUAGES.length);
      expect(
        Object.values(except ?? {}).every((reason) => reason.length > 10),
        name,
      ).toBe(true);
    }
  });
});

function repeated(texts: readonly string[]): string[] {
  return texts.filter((text, index) => texts.indexOf(text) !== index);
}
