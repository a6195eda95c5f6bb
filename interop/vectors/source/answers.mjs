// Responses, and errors in the forms of all implementations.

import { fixarray, fixint, fixmap, float64, nil, no, str, yes } from "./bytes.mjs";
import { dropped, head, payload, read, written } from "./messages.mjs";

const response = (value) => ({ type: "response", result: value });
const answer = (...hex) => payload("response", str("result"), ...hex);

export const answers = [
  written("response/number", ["MSG-3", "MSG-8"], answer(fixint(5)), response(5)),
  written("response/nil", ["MSG-8", "VAL-9"], answer(nil), response(null)),
  written("response/absent", ["MSG-8", "VAL-10"], payload("response"), { type: "response" }),
  written("response/zero", ["MSG-8"], answer(fixint(0)), response(0)),
  written("response/false", ["MSG-8"], answer(no), response(false)),
  written("response/empty-text", ["MSG-8"], answer(str("")), response("")),
  written("response/empty-array", ["MSG-8"], answer(fixarray()), response([])),
  written("response/empty-map", ["MSG-8"], answer(fixmap()), response({})),
  written(
    "response/metadata",
    ["MSG-11"],
    payload("response", str("result"), fixint(5), str("metadata"), fixmap(str("took"), fixint(3))),
    {
      ...response(5),
      metadata: { took: 3 },
    },
  ),
  read(
    "response/nil-for-fields-of-other-types",
    ["MSG-15"],
    payload(
      "response",
      str("function"),
      nil,
      str("args"),
      nil,
      str("result"),
      fixint(5),
      str("error"),
      nil,
      str("metadata"),
      nil,
    ),
    response(5),
  ),
  read("response/older-javascript-undefined", ["VAL-17"], answer("d40000"), response(null)),
  dropped(
    "response/no-id",
    ["MSG-2"],
    fixmap(...head("response").slice(0, 2), ...head("response").slice(4), str("result"), fixint(5)),
  ),
];

/** An error as a worker of ours writes it: the message, and the parts, whose keys are sorted. */
function structured(name, rules, message, parts) {
  const fields = Object.entries(parts).flatMap(([key, value]) => [str(key), str(value)]);
  return written(
    name,
    rules,
    payload("error", str("error"), str(message), str("metadata"), fixmap(str("error"), fixmap(...fields))),
    { type: "error", error: message, metadata: { error: parts } },
    { remote: parts },
  );
}

/** A part as MessagePack. Maps have their keys sorted, and fewer than 16 of them. */
function packed(part) {
  if (Array.isArray(part)) {
    return fixarray(...part.map(packed));
  }
  if (typeof part === "object") {
    return fixmap(...Object.entries(part).flatMap(([key, value]) => [str(key), packed(value)]));
  }
  return typeof part === "number" ? fixint(part) : str(part);
}

/** The same, of parts that are more than text: integers from 0 to 127, arrays and maps. */
function nested(name, rules, message, parts, more = {}) {
  return written(
    name,
    rules,
    payload("error", str("error"), str(message), str("metadata"), fixmap(str("error"), packed(parts))),
    { type: "error", error: message, metadata: { error: parts } },
    { remote: parts, ...more },
  );
}

/** An error that is text alone, and what that text is taken for. */
const textual = (name, rules, error, remote) =>
  written(name, rules, payload("error", str("error"), str(error)), { type: "error", error }, { remote });

const traceback = `Traceback (most recent call last):
  File "worker.py", line 12, in _run
    return method(*args)
  File "worker.py", line 30, in divide
    return a / b
ZeroDivisionError: division by zero
`;
const chained = `Traceback (most recent call last):
  File "worker.py", line 5, in load
    return self.rows[key]
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "worker.py", line 7, in load
    raise LookupError("no row")
LookupError: no row
`;

const functionProperty =
  "'sum' is a function property, not a method: write sum() { … } in the class to make it callable";

export const errors = [
  structured("error/parts", ["MSG-3", "MSG-9"], "too far", { message: "too far", name: "RangeError" }),
  structured("error/parts-with-code-and-stack", ["MSG-9"], "no such file", {
    code: "ENOENT",
    message: "no such file",
    name: "Error",
    stack: "Error: no such file\n    at open (worker.js:3:9)",
  }),
  structured("error/parts-with-traceback", ["MSG-9"], "division by zero", {
    message: "division by zero",
    name: "ZeroDivisionError",
    stack: traceback,
  }),
  structured("error/parts-win-over-text", ["MSG-9"], `ValueError: other\n${traceback}`, {
    message: "the message",
    name: "MyError",
  }),
  structured("error/refusal", ["MSG-9"], "Function 'ad' not found; did you mean 'add'?", {
    code: "FUNCTION_NOT_FOUND",
    message: "Function 'ad' not found; did you mean 'add'?",
    name: "RefusedCall",
  }),
  structured("error/refusal-stopping", ["ERR-8", "CALL-6"], "This worker is stopping and takes no more calls", {
    code: "STOPPING",
    message: "This worker is stopping and takes no more calls",
    name: "RefusedCall",
  }),
  structured("error/refusal-function-property", ["MSG-9", "CALL-3"], functionProperty, {
    code: "NOT_CALLABLE",
    message: functionProperty,
    name: "RefusedCall",
  }),
  nested("error/integer-code", ["ERR-1"], "not found", { code: 44, message: "not found", name: "NotFound" }),
  nested("error/cause", ["ERR-3"], "no row", {
    cause: {
      cause: { code: "ENOENT", message: "no file", name: "Error" },
      message: "no table",
      name: "TypeError",
      stack: "TypeError: no table\n    at find (worker.js:3:9)",
    },
    message: "no row",
    name: "LookupError",
  }),
  nested("error/errors", ["ERR-3"], "many", {
    errors: [
      { message: "a", name: "Error" },
      { cause: { message: "c", name: "Error" }, message: "b", name: "TypeError" },
    ],
    message: "many",
    name: "AggregateError",
  }),
  nested("error/data", ["ERR-4"], "no row", {
    data: { constructor: 2, details: { id: 7, tags: ["a"] }, row: 7 },
    message: "no row",
    name: "NotFound",
  }),
  nested("error/thrown-object", ["ERR-5"], '{"status":44}', {
    data: { status: 44 },
    message: '{"status":44}',
    name: "Error",
  }),
  nested(
    "error/nested-parts-of-other-types-are-left-out",
    ["ERR-7"],
    "m",
    {
      cause: "c",
      data: ["d"],
      errors: [5, { name: "no message" }, { cause: [], code: [], message: "n", name: 7 }],
      message: "m",
      name: "Error",
    },
    { remote: { errors: [{ message: "n", name: "Error" }], message: "m", name: "Error" } },
  ),
  structured("error/empty-message", ["MSG-9"], "", { message: "", name: "Error" }),
  structured("error/unicode", ["MSG-9", "VAL-6"], "Größe fehlt 📏", { message: "Größe fehlt 📏", name: "Ärger" }),
  textual("error/python", ["MSG-9"], `ZeroDivisionError: division by zero\n${traceback}`, {
    name: "ZeroDivisionError",
    message: "division by zero",
    stack: traceback,
  }),
  textual("error/python-colon-in-message", ["MSG-9"], `ValueError: port: 80: taken\n${traceback}`, {
    name: "ValueError",
    message: "port: 80: taken",
    stack: traceback,
  }),
  textual("error/python-lines-in-message", ["MSG-9"], `ValueError: one\ntwo\n\nfour\n${traceback}`, {
    name: "ValueError",
    message: "one\ntwo\n\nfour",
    stack: traceback,
  }),
  textual("error/python-class-with-dots", ["MSG-9"], `json.decoder.JSONDecodeError: Expecting value\n${traceback}`, {
    name: "json.decoder.JSONDecodeError",
    message: "Expecting value",
    stack: traceback,
  }),
  textual("error/python-no-message", ["MSG-9"], `KeyError: \n${traceback}`, {
    name: "KeyError",
    message: "",
    stack: traceback,
  }),
  textual("error/python-no-name", ["MSG-9"], `it went wrong\n${traceback}`, {
    name: "Error",
    message: "it went wrong",
    stack: traceback,
  }),
  textual("error/python-chained", ["MSG-9"], `LookupError: no row\n${chained}`, {
    name: "LookupError",
    message: "no row",
    stack: chained,
  }),
  textual("error/text-alone", ["MSG-9"], "out of paper", { name: "Error", message: "out of paper" }),
  textual("error/text-like-a-name", ["MSG-9"], "ValueError: no", { name: "Error", message: "ValueError: no" }),
  textual("error/refusal-of-older-rust", ["ERR-8"], "Function not found: ad", {
    name: "Error",
    message: "Function not found: ad",
  }),
  textual("error/refusal-stopping-text", ["ERR-8", "CALL-6"], "This worker is stopping and takes no more calls", {
    name: "Error",
    message: "This worker is stopping and takes no more calls",
  }),
  textual("error/empty-text", ["MSG-9"], "", { name: "Error", message: "" }),
  read(
    "error/absent-text",
    ["MSG-9"],
    payload("error"),
    { type: "error", error: "" },
    { remote: { name: "Error", message: "" } },
  ),
  read(
    "error/parts-without-text",
    ["MSG-9"],
    payload(
      "error",
      str("metadata"),
      fixmap(str("error"), fixmap(str("message"), str("gone"), str("name"), str("GoneError"))),
    ),
    { type: "error", error: "", metadata: { error: { message: "gone", name: "GoneError" } } },
    { remote: { name: "GoneError", message: "gone" } },
  ),
  written(
    "error/parts-without-message-are-none",
    ["MSG-9"],
    payload(
      "error",
      str("error"),
      str("the text"),
      str("metadata"),
      fixmap(str("error"), fixmap(str("name"), str("E"))),
    ),
    { type: "error", error: "the text", metadata: { error: { name: "E" } } },
    { remote: { name: "Error", message: "the text" } },
  ),
  written(
    "error/parts-without-name",
    ["MSG-9"],
    payload("error", str("error"), str("no"), str("metadata"), fixmap(str("error"), fixmap(str("message"), str("no")))),
    { type: "error", error: "no", metadata: { error: { message: "no" } } },
    { remote: { name: "Error", message: "no" } },
  ),
  written(
    "error/parts-of-other-types-are-left-out",
    ["MSG-9"],
    payload(
      "error",
      str("error"),
      str("m"),
      str("metadata"),
      fixmap(str("error"), fixmap(str("code"), yes, str("message"), str("m"), str("name"), nil, str("stack"), yes)),
    ),
    { type: "error", error: "m", metadata: { error: { code: true, message: "m", name: null, stack: true } } },
    { remote: { name: "Error", message: "m" } },
  ),
  written(
    "error/metadata-without-parts",
    ["MSG-9", "MSG-11"],
    payload("error", str("error"), str("no"), str("metadata"), fixmap(str("took"), float64(0.5))),
    { type: "error", error: "no", metadata: { took: { $float: "0.5" } } },
    { remote: { name: "Error", message: "no" } },
  ),
  dropped("error/number-as-text", ["MSG-9", "MSG-15"], payload("error", str("error"), fixint(5))),
  dropped(
    "error/no-id",
    ["MSG-2"],
    fixmap(...head("error").slice(0, 2), ...head("error").slice(4), str("error"), str("no")),
  ),
];
