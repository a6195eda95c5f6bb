// The vectors that all languages share (interop/README.md), and their tagged JSON as values of JavaScript and back.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ExtData } from "@msgpack/msgpack";
import { fromTagged, milliseconds, TAGS, type Tags } from "../../../interop/typescript/tagged.ts";
import { RemoteCallError, type RemoteFailure } from "../src/errors/index.js";
import type { ErrorMessage, Message } from "../src/index.js";
import { readRemoteError } from "../src/index.js";
import { fromHex } from "./wire.js";

/** One message and its bytes. */
export interface Vector {
  name: string;
  rules: string[];
  hex: string;
  outcome: "read" | "dropped" | "ignored";
  message?: Record<string, unknown>;
  written?: boolean;
  /** The heartbeat that this message answers. */
  answers?: string;
  remote?: RemoteError;
  except?: Record<string, string>;
}

/** An error as the caller receives it. */
export interface RemoteError {
  name: string;
  message: string;
  code?: string | number;
  stack?: string;
  cause?: RemoteError;
  errors?: RemoteError[];
  /** Tagged JSON. */
  data?: unknown;
}

/** A row of values.json. */
export interface MatrixRow {
  name: string;
  value: unknown;
  /** What comes back, where it is not the value. */
  back?: unknown;
  described: string;
}

export const VECTORS_FOLDER: string = fileURLToPath(new URL("../../../interop/vectors/", import.meta.url));

/** The committed files, by name. */
export function vectorFiles(): Record<string, Vector[]> {
  const names = readdirSync(VECTORS_FOLDER).filter((name) => name.endsWith(".json"));
  return Object.fromEntries(
    names.sort().map((name) => [name, JSON.parse(readFileSync(VECTORS_FOLDER + name, "utf8"))]),
  );
}

export function matrixRows(): MatrixRow[] {
  return JSON.parse(readFileSync(`${VECTORS_FOLDER}../values.json`, "utf8"));
}

/** The message that a vector is read as. */
export function messageOf({ message }: Vector): Message {
  const fields = untagged(message) as Record<string, unknown>;
  return (fields.type === "response" ? { result: undefined, ...fields } : fields) as unknown as Message;
}

/** The error as a parent reads it; `code` is the one that was sent. */
export function remoteErrorOf(message: ErrorMessage): RemoteError {
  const failure = readRemoteError(message);
  const sentCode = failure.remoteCode ?? (message.metadata?.error === undefined ? undefined : failure.code);
  return partsOf({ ...failure, remoteCode: sentCode });
}

function partsOf(failure: RemoteFailure): RemoteError {
  const { remoteName = "Error", remoteMessage, remoteCode, remoteStack, remoteData, cause, errors } = failure;
  return {
    name: remoteName,
    message: remoteMessage,
    ...(remoteCode === undefined ? {} : { code: remoteCode }),
    ...(remoteStack === undefined ? {} : { stack: remoteStack }),
    ...(cause instanceof RemoteCallError ? { cause: partsOf(cause) } : {}),
    ...(errors === undefined ? {} : { errors: errors.map((error) => partsOf(error)) }),
    ...(remoteData === undefined ? {} : { data: remoteData }),
  };
}

/** The error of a vector, with the values of its data. */
export function expectedError({ cause, errors, data, ...parts }: RemoteError): RemoteError {
  return {
    ...parts,
    ...(cause && { cause: expectedError(cause) }),
    ...(errors && { errors: errors.map(expectedError) }),
    ...(data === undefined ? {} : { data: untagged(data) }),
  };
}

/** The tags of the matrix, and those that only vectors have. */
const VECTOR_TAGS: Tags = {
  ...TAGS,
  $time: timeOf,
  $undefined: () => undefined,
  $ext: ([type, hex]: [number, string]) => new ExtData(type, fromHex(hex)),
};

/** Tagged JSON as a value. */
export function untagged(json: unknown): unknown {
  return fromTagged(json, VECTOR_TAGS);
}

/** A Date, cut to milliseconds; the extension for a time that no Date can hold. */
function timeOf(text: string): Date | ExtData {
  const [seconds = "", nanoseconds = ""] = text.split(".");
  const date = new Date(milliseconds(text));
  if (!Number.isNaN(date.getTime())) {
    return date;
  }
  const view = new DataView(new ArrayBuffer(12));
  view.setUint32(0, Number(nanoseconds));
  view.setBigInt64(4, BigInt(seconds));
  return new ExtData(-1, new Uint8Array(view.buffer));
}
