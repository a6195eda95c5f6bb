// Calls: arguments, namespace, caller's name, metadata; and what others leave out or write otherwise.

import { array16, array32, ext8, fixarray, fixext, fixint, fixmap, float64, map16, nil, str, str8 } from "./bytes.mjs";
import { call, dropped, float, head, NOT_GIVEN, payload, read, SECONDS, written } from "./messages.mjs";

const name = [str("function"), str("add")];
const args = (...items) => [str("args"), fixarray(...items)];
const two = args(fixint(2), fixint(3));
const namespace = [str("namespace"), str("default")];
const metadata = (...fields) => [str("metadata"), fixmap(...fields)];

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const reordered = [head("call").slice(4), name, [str("metadata"), fixmap()], two, head("call").slice(0, 4), namespace];

export const calls = [
  written(
    "call/two-arguments",
    ["MSG-1", "MSG-2", "MSG-3", "MSG-5"],
    payload("call", ...name, ...two, ...namespace),
    call([2, 3]),
  ),
  written("call/no-arguments", ["MSG-5"], payload("call", ...name, ...args(), ...namespace), call([])),
  written(
    "call/other-namespace",
    ["MSG-6"],
    payload("call", ...name, ...two, str("namespace"), str("mathe")),
    call([2, 3], { namespace: "mathe" }),
  ),
  written(
    "call/client-name",
    ["MSG-7"],
    payload("call", ...name, ...two, ...namespace, str("client_name"), str("web")),
    call([2, 3], { client_name: "web" }),
  ),
  written(
    "call/unicode-names",
    ["MSG-5", "MSG-6", "VAL-6"],
    payload("call", str("function"), str("größe"), ...args(str("日本語")), str("namespace"), str("вещи")),
    call(["日本語"], { function: "größe", namespace: "вещи" }),
  ),
  written(
    "call/known-metadata",
    ["MSG-11"],
    payload(
      "call",
      ...name,
      ...two,
      ...namespace,
      ...metadata(
        str("correlation_id"),
        str("order-17"),
        str("parent_request_id"),
        str("99999999-2222-4333-8444-555555555555"),
        str("timestamp_sent"),
        float64(SECONDS),
        str("traceparent"),
        str(traceparent),
        str("tracestate"),
        str("vendor=t61"),
      ),
    ),
    call([2, 3], {
      metadata: {
        correlation_id: "order-17",
        parent_request_id: "99999999-2222-4333-8444-555555555555",
        timestamp_sent: float(SECONDS),
        traceparent,
        tracestate: "vendor=t61",
      },
    }),
  ),
  written(
    "call/unknown-metadata",
    ["MSG-11"],
    payload(
      "call",
      ...name,
      ...two,
      ...namespace,
      ...metadata(str("deep"), fixmap(str("list"), fixarray(fixint(1), nil)), str("tenant"), str("acme")),
    ),
    call([2, 3], { metadata: { deep: { list: [1, null] }, tenant: "acme" } }),
  ),
  written(
    "call/empty-metadata",
    ["MSG-11"],
    payload("call", ...name, ...two, ...namespace, ...metadata()),
    call([2, 3], { metadata: {} }),
  ),
  written(
    "call/undefined-argument-is-nil",
    ["VAL-10"],
    payload("call", ...name, ...args(nil, fixint(1), nil), ...namespace),
    call([null, 1, null]),
  ),
  read(
    "call/argument-not-given",
    ["VAL-10", "VAL-17"],
    payload("call", ...name, ...args(fixext(0, "00"), fixint(1)), ...namespace),
    call([NOT_GIVEN, 1]),
  ),
  read(
    "call/argument-not-given-at-the-end-in-ext8",
    ["VAL-10", "VAL-17"],
    payload("call", ...name, ...args(fixint(1), ext8(0, "00"))),
    call([1, NOT_GIVEN]),
  ),
  read(
    "call/undefined-within-an-argument-is-nil",
    ["VAL-10", "VAL-17"],
    payload(
      "call",
      ...name,
      ...args(fixarray(fixext(0, "00")), fixmap(str("a"), fixext(0, "00"))),
      ...metadata(str("m"), fixext(0, "00")),
    ),
    call([[null], { a: null }], { metadata: { m: null } }),
  ),
  written(
    "call/sixteen-arguments",
    ["MSG-5", "VAL-11"],
    payload(
      "call",
      ...name,
      str("args"),
      array16(...Array.from({ length: 16 }, (_, index) => fixint(index))),
      ...namespace,
    ),
    call(Array.from({ length: 16 }, (_, index) => index)),
  ),
  read("call/no-arguments-field", ["MSG-5"], payload("call", ...name, ...namespace), call([])),
  read("call/nil-arguments", ["MSG-5"], payload("call", ...name, str("args"), nil, ...namespace), call([])),
  read(
    "call/arguments-array32",
    ["MSG-5", "VAL-17"],
    payload("call", ...name, str("args"), array32(fixint(2)), ...namespace),
    call([2]),
  ),
  read("call/no-namespace", ["MSG-6"], payload("call", ...name, ...two), call([2, 3])),
  read("call/nil-namespace", ["MSG-6"], payload("call", ...name, ...two, str("namespace"), nil), call([2, 3])),
  read("call/function-alone", ["MSG-5", "MSG-6"], payload("call", ...name), call([])),
  read("call/no-function", ["MSG-5"], payload("call", ...two, ...namespace), call([2, 3], { function: "" })),
  read(
    "call/clientName",
    ["MSG-7"],
    payload("call", ...name, ...two, ...namespace, str("clientName"), str("web")),
    call([2, 3], { client_name: "web" }),
  ),
  read(
    "call/client_name-before-clientName",
    ["MSG-7"],
    payload("call", ...name, ...two, str("clientName"), str("old"), str("client_name"), str("new")),
    call([2, 3], { client_name: "new" }),
  ),
  read("call/nil-client-name", ["MSG-7"], payload("call", ...name, ...two, str("client_name"), nil), call([2, 3])),
  read("call/nil-metadata", ["MSG-11"], payload("call", ...name, ...two, str("metadata"), nil), call([2, 3])),
  read(
    "call/unknown-fields",
    ["MSG-15"],
    payload("call", ...name, ...two, str("priority"), fixint(5), str("extra"), fixmap(str("id"), str("not this"))),
    call([2, 3]),
  ),
  read(
    "call/unknown-field-with-number-as-key",
    ["MSG-15", "VAL-17"],
    payload("call", fixint(7), str("x"), ...name, ...two),
    call([2, 3]),
  ),
  read("call/field-order", ["MSG-15"], fixmap(...reordered.flat()), call([2, 3], { metadata: {} })),
  read(
    "call/metadata-first",
    ["MSG-11", "MSG-15"],
    fixmap(...metadata(str("id"), str("not this")), ...head("call"), ...name),
    call([], { metadata: { id: "not this" } }),
  ),
  read("call/repeated-field", ["VAL-17"], payload("call", str("function"), str("sub"), ...name, ...two), call([2, 3])),
  read(
    "call/map16-and-str8",
    ["VAL-17"],
    map16(...head("call"), str8("function"), str8("add"), str8("args"), fixarray()),
    call([]),
  ),
  read(
    "call/nil-for-fields-of-other-types",
    ["MSG-15"],
    payload("call", ...name, ...two, str("result"), nil, str("error"), nil, str("output"), nil),
    call([2, 3]),
  ),
  dropped("call/no-id", ["MSG-2"], fixmap(...head("call").slice(0, 2), ...head("call").slice(4), ...name, ...two)),
  dropped("call/empty-id", ["MSG-2"], fixmap(...head("call", { id: str("") }), ...name, ...two)),
  dropped("call/nil-id", ["MSG-2"], fixmap(...head("call", { id: nil }), ...name, ...two)),
  dropped("call/number-as-id", ["MSG-2"], fixmap(...head("call", { id: fixint(5) }), ...name, ...two)),
  dropped("call/number-as-function", ["MSG-5", "MSG-15"], payload("call", str("function"), fixint(5), ...two)),
  dropped(
    "call/map-as-arguments",
    ["MSG-5", "MSG-15"],
    payload("call", ...name, str("args"), fixmap(str("a"), fixint(2))),
  ),
  dropped("call/text-as-arguments", ["MSG-5", "MSG-15"], payload("call", ...name, str("args"), str("23"))),
];
