// What it takes to encode and decode a message, beside JSON in the same run and, with --against, another checkout's codec.

import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { messages } from "./messages.mjs";

/** Processor time of one measurement, in microseconds, and how many of them each contender gets. */
const MEASURED_MICROS = 20_000;
const REPETITIONS = 15;

/** What was computed last, so that nothing is optimised away. */
let sink;

const { values: options } = parseArgs({ options: { against: { type: "string" }, only: { type: "string" } } });
const here = await codecOf(fileURLToPath(new URL("../..", import.meta.url)));
const other = options.against === undefined ? undefined : await codecOf(resolve(options.against));

// The compiler and the functions that all messages share are warm before the first one is measured.
for (const message of messages().values()) {
  medians(contendersFor(message, JSON.stringify(message), here.encode(message)), 1);
}
console.log("Processor time per message in microseconds, median; in brackets the ratio to JSON.\n");
console.log(line(["", "encode", ...(other ? ["other"] : []), "JSON", "decode", ...(other ? ["other"] : []), "JSON"]));
for (const [name, message] of messages()) {
  if (options.only === undefined || name.includes(options.only)) {
    console.log(measured(name, message));
  }
}

async function codecOf(root) {
  const entry = pathToFileURL(join(root, "packages/protocol/dist/index.js")).href;
  const { createCodec } = await import(entry);
  return createCodec();
}

function measured(name, message) {
  const bytes = here.encode(message);
  const text = JSON.stringify(message);
  assert.deepEqual(here.decode(bytes), message);
  if (other !== undefined) {
    assert.deepEqual(other.encode(message), bytes);
  }
  // JSON has no form for binary data that anyone would send.
  const isJson = !name.includes("binary");
  const contenders = contendersFor(message, isJson && text, bytes);
  const [encode, otherEncode, jsonEncode, decode, otherDecode, jsonDecode] = medians(contenders);
  return line([
    name,
    ratio(encode, jsonEncode),
    ...(other ? [micros(otherEncode)] : []),
    micros(jsonEncode),
    ratio(decode, jsonDecode),
    ...(other ? [micros(otherDecode)] : []),
    micros(jsonDecode),
  ]);
}

function contendersFor(message, text, bytes) {
  return [
    () => here.encode(message),
    other && (() => other.encode(message)),
    text && (() => JSON.stringify(message)),
    () => here.decode(bytes),
    other && (() => other.decode(bytes)),
    text && (() => JSON.parse(text)),
  ];
}

/** The median processor time of each function, measured in turn, so that other load meets all of them. */
function medians(functions, repetitions = REPETITIONS) {
  const contenders = functions.map((run) => (run ? { run, count: countFor(run), times: [] } : undefined));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const contender of contenders.filter(Boolean)) {
      contender.times.push(timeOf(contender.run, contender.count));
    }
  }
  return contenders.map((contender) => contender?.times.sort((a, b) => a - b)[repetitions >> 1]);
}

/** How often it runs in one measurement. Also warms it up. */
function countFor(run) {
  timeOf(run, 50);
  const once = timeOf(run, 50);
  const count = Math.max(5, Math.min(20_000, Math.round(MEASURED_MICROS / Math.max(once, 0.2))));
  timeOf(run, count);
  return count;
}

function timeOf(run, count) {
  const begin = process.cpuUsage();
  for (let index = 0; index < count; index++) {
    sink = run();
  }
  const { user, system } = process.cpuUsage(begin);
  assert.notEqual(sink, undefined);
  return (user + system) / count;
}

function micros(time) {
  return time ? time.toFixed(2) : "–";
}

function ratio(time, json) {
  return json ? `${micros(time)} (${(time / json).toFixed(2)})` : micros(time);
}

function line([name, ...cells]) {
  return name.padEnd(22) + cells.map((cell) => cell.padStart(16)).join("");
}
