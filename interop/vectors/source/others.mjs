// Output, heartbeats and life; and the messages that are not for us.

import {
  array16,
  bin8,
  fixarray,
  fixext,
  fixint,
  fixmap,
  float32,
  float64,
  map16,
  nil,
  no,
  str,
  str8,
  uint16,
  uint32,
  uint64,
  utf8,
  yes,
} from "./bytes.mjs";
import {
  APP,
  call,
  dropped,
  float,
  head,
  ID,
  ignored,
  NOT_GIVEN,
  payload,
  read,
  SECONDS,
  written,
} from "./messages.mjs";

const without = (type, field) => {
  const fields = head(type);
  fields.splice(fields.indexOf(str(field)), 2);
  return fields;
};
const line = (type, text) => payload(type, str("output"), str(text));
const long = "x".repeat(300);

export const output = [
  written("output/stdout", ["MSG-3", "MSG-10"], line("stdout", "hello"), { type: "stdout", output: "hello" }),
  written("output/stderr", ["MSG-3", "MSG-10"], line("stderr", "warning: hot"), {
    type: "stderr",
    output: "warning: hot",
  }),
  written("output/empty-line", ["MSG-10"], line("stdout", ""), { type: "stdout", output: "" }),
  written("output/unicode", ["MSG-10", "VAL-6"], line("stdout", "grüße 👋"), { type: "stdout", output: "grüße 👋" }),
  written("output/300-characters", ["MSG-10"], line("stderr", long), { type: "stderr", output: long }),
  read("output/no-id", ["MSG-2"], fixmap(...without("stdout", "id"), str("output"), str("hello")), {
    type: "stdout",
    id: "",
    output: "hello",
  }),
  read("output/number-as-id", ["MSG-2"], fixmap(...head("stdout", { id: fixint(5) }), str("output"), str("hello")), {
    type: "stdout",
    id: "",
    output: "hello",
  }),
  read("output/absent", ["MSG-10"], payload("stdout"), { type: "stdout", output: "" }),
  dropped("output/number-as-line", ["MSG-10", "MSG-15"], payload("stdout", str("output"), fixint(5))),
];

const beat = (metadata, more = {}) => ({ type: "heartbeat", ...more, metadata });
const milliseconds = 1_700_000_000_250;

/** The answer of a worker without features to a heartbeat with these fields. */
const answer = (name, heartbeat, fields, message, rules = ["MSG-12"]) =>
  read(name, rules, payload("heartbeat", ...fields), message, { answers: payload("heartbeat", ...heartbeat) });

export const heartbeats = [
  written(
    "heartbeat/sent",
    ["MSG-3", "MSG-12"],
    payload("heartbeat", str("metadata"), fixmap(str("hb_timestamp"), float64(SECONDS))),
    beat({ hb_timestamp: float(SECONDS) }),
  ),
  written(
    "heartbeat/answer",
    ["MSG-12"],
    payload("heartbeat", str("metadata"), fixmap(str("hb_response"), yes, str("hb_timestamp"), float64(SECONDS))),
    beat({ hb_response: true, hb_timestamp: float(SECONDS) }),
  ),
  answer(
    "heartbeat/answer-repeats-arguments",
    [str("args"), fixarray(float64(milliseconds))],
    [str("args"), fixarray(float64(milliseconds)), str("metadata"), fixmap(str("hb_response"), yes)],
    beat({ hb_response: true }, { args: [float(milliseconds)] }),
  ),
  answer(
    "heartbeat/answer-repeats-bytes",
    [
      str("args"),
      array16(uint64(5), float32(0.5), float64(2 ** 53), float64(1e300), float64(-0), fixext(0, "00")),
      str("metadata"),
      map16(str("hb_timestamp"), float64(1_700_000_000), str8("more"), fixarray(float64(7), uint16(7))),
    ],
    [
      str("args"),
      array16(uint64(5), float32(0.5), float64(2 ** 53), float64(1e300), float64(-0), fixext(0, "00")),
      str("metadata"),
      fixmap(
        str("hb_timestamp"),
        float64(1_700_000_000),
        str8("more"),
        fixarray(float64(7), uint16(7)),
        str("hb_response"),
        yes,
      ),
    ],
    beat(
      { hb_timestamp: float(1_700_000_000), more: [float(7), 7], hb_response: true },
      { args: [5, float(0.5), float(2 ** 53), float(1e300), float(-0), NOT_GIVEN] },
    ),
  ),
  answer(
    "heartbeat/answer-without-the-features-of-the-parent",
    [
      str("metadata"),
      fixmap(
        str("features"),
        fixarray(str("cancel"), str("undefined")),
        str("hb_timestamp"),
        float64(SECONDS),
        str("hb_response"),
        no,
      ),
    ],
    [str("metadata"), fixmap(str("hb_timestamp"), float64(SECONDS), str("hb_response"), yes)],
    beat({ hb_timestamp: float(SECONDS), hb_response: true }),
    ["MSG-12", "MSG-16"],
  ),
  answer(
    "heartbeat/answer-to-fields-of-other-types",
    [str("args"), fixmap(str("a"), fixint(1)), str("metadata"), fixint(5)],
    [str("metadata"), fixmap(str("hb_response"), yes)],
    beat({ hb_response: true }),
    ["MSG-12", "MSG-15"],
  ),
  written(
    "heartbeat/with-features",
    ["MSG-16"],
    payload("heartbeat", str("metadata"), fixmap(str("features"), fixarray(str("cancel"), str("undefined")))),
    beat({ features: ["cancel", "undefined"] }),
  ),
  written("heartbeat/bare", ["MSG-12"], payload("heartbeat"), { type: "heartbeat" }),
  read("heartbeat/older-javascript", ["MSG-12"], payload("heartbeat", str("args"), fixarray(float64(milliseconds))), {
    type: "heartbeat",
    args: [float(milliseconds)],
  }),
  read(
    "heartbeat/whole-clock",
    ["MSG-12", "VAL-17"],
    payload("heartbeat", str("metadata"), fixmap(str("hb_timestamp"), uint64(1_700_000_000))),
    beat({ hb_timestamp: 1_700_000_000 }),
  ),
  read(
    "heartbeat/nil-for-fields-of-other-types",
    ["MSG-15"],
    payload(
      "heartbeat",
      str("function"),
      nil,
      str("args"),
      nil,
      str("metadata"),
      fixmap(str("hb_timestamp"), float64(0.5)),
    ),
    beat({ hb_timestamp: float(0.5) }),
  ),
  dropped("heartbeat/no-id", ["MSG-2"], fixmap(...without("heartbeat", "id"))),
];

export const life = [
  written("life/shutdown", ["MSG-3", "MSG-13"], payload("shutdown"), { type: "shutdown" }),
  read("life/shutdown-without-id", ["MSG-2", "MSG-13"], fixmap(...without("shutdown", "id")), {
    type: "shutdown",
    id: "",
  }),
  written(
    "life/shutdown-with-metadata",
    ["MSG-11", "MSG-13"],
    payload("shutdown", str("metadata"), fixmap(str("reason"), str("update"))),
    { type: "shutdown", metadata: { reason: "update" } },
  ),
  written("life/ready", ["MSG-3", "MSG-14"], payload("ready"), { type: "ready" }),
  read("life/ready-without-id", ["MSG-2", "MSG-14"], fixmap(...without("ready", "id")), { type: "ready", id: "" }),
  read(
    "life/ready-of-rust",
    ["MSG-14", "MSG-15"],
    payload(
      "ready",
      str("function"),
      nil,
      str("args"),
      nil,
      str("namespace"),
      str("default"),
      str("result"),
      nil,
      str("metadata"),
      nil,
    ),
    { type: "ready" },
  ),
];

const add = [str("function"), str("add")];
const callAt = (timestamp) => fixmap(...head("call", { timestamp }), ...add);
const callWithId = (length, character = "i") => fixmap(...head("call", { id: str(character.repeat(length)) }), ...add);

export const heads = [
  read("head/whole-timestamp", ["MSG-4"], callAt(uint32(1_700_000_000)), call([], { timestamp: float(1_700_000_000) })),
  read(
    "head/whole-timestamp-of-64-bits",
    ["MSG-4"],
    callAt(uint64(1_700_000_000)),
    call([], { timestamp: float(1_700_000_000) }),
  ),
  read("head/timestamp-zero", ["MSG-4"], callAt(fixint(0)), call([], { timestamp: float(0) })),
  read("head/float32-timestamp", ["MSG-4", "VAL-17"], callAt(float32(0.5)), call([], { timestamp: float(0.5) })),
  read(
    "head/no-timestamp",
    ["MSG-4"],
    fixmap(...without("call", "timestamp"), ...add),
    call([], { timestamp: float(0) }),
  ),
  read("head/nil-timestamp", ["MSG-4"], callAt(nil), call([], { timestamp: float(0) })),
  read("head/id-that-is-no-uuid", ["MSG-2"], callWithId(1), call([], { id: "i" })),
  read("head/id-of-256-characters", ["MSG-2"], callWithId(256), call([], { id: "i".repeat(256) })),
  dropped("head/id-of-257-characters", ["MSG-2"], callWithId(257)),
  read("head/id-of-256-umlauts", ["MSG-2"], callWithId(256, "ü"), call([], { id: "ü".repeat(256) })),
  dropped("head/id-of-257-umlauts", ["MSG-2"], callWithId(257, "ü")),
  dropped(
    "head/id-of-257-characters-in-output",
    ["MSG-2"],
    fixmap(...head("stdout", { id: str("i".repeat(257)) }), str("output"), str("x")),
  ),
  dropped(
    "head/id-of-257-characters-in-shutdown",
    ["MSG-2"],
    fixmap(...head("shutdown", { id: str("i".repeat(257)) })),
  ),
];

export const strangers = [
  ignored("stranger/other-app", ["MSG-1"], fixmap(...head("call", { app: str("comlink_ipc_v4") }), ...add)),
  ignored("stranger/app-in-capitals", ["MSG-1"], fixmap(...head("call", { app: str("COMLINK_IPC_V3") }), ...add)),
  ignored("stranger/no-app", ["MSG-1"], fixmap(...without("call", "app"), ...add)),
  ignored("stranger/nil-app", ["MSG-1"], fixmap(...head("call", { app: nil }), ...add)),
  ignored("stranger/app-as-binary", ["MSG-1"], fixmap(...head("call", { app: bin8(utf8(APP)) }), ...add)),
  ignored("stranger/empty-map", ["MSG-1"], fixmap()),
  ignored("stranger/other-app-without-id", ["MSG-1"], fixmap(str("app"), str("chat"), str("type"), str("call"))),
  ignored("stranger/other-app-of-unknown-type", ["MSG-1"], fixmap(str("app"), str("chat"), str("type"), str("sing"))),
  ignored("stranger/unknown-type", ["MSG-3"], payload("cancel", str("target"), str(ID))),
  ignored("stranger/unknown-type-without-id", ["MSG-3"], fixmap(...without("cancel", "id"))),
  ignored("stranger/type-in-capitals", ["MSG-3"], payload("CALL", ...add)),
  ignored("stranger/type-named-as-an-object-property", ["MSG-3"], payload("constructor", ...add)),
  ignored("stranger/no-type", ["MSG-3"], fixmap(...without("call", "type"), ...add)),
  ignored(
    "stranger/number-as-type",
    ["MSG-3"],
    fixmap(str("app"), str(APP), str("id"), str(ID), str("type"), fixint(1)),
  ),
];
