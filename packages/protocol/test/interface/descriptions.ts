// Descriptions for tests: one that a person would write, and what a hostile peer would send.

import fc from "fast-check";
import type { InterfaceDescription } from "../../src/index.js";

/** A worker in Python that knows its types. */
export const PREDICTOR: InterfaceDescription = {
  language: "python",
  functions: {
    predict: {
      parameters: [
        { name: "rows", type: { list: { list: "float" } } },
        { name: "model", type: { union: ["str", "nil"] }, optional: true },
      ],
      returns: { list: { ref: "Prediction" } },
      doc: "The most likely class of each row.",
    },
    reset: { parameters: [], returns: "nil" },
  },
  types: {
    Prediction: {
      fields: { label: { type: "str" }, score: { type: "float" }, at: { type: "time", optional: true } },
    },
  },
};

const NASTY = [
  ...[
    "",
    " ",
    "a-b",
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "then",
    "new",
    "get",
    "set",
  ],
  ...[
    "class",
    "default",
    "this",
    "arguments",
    "eval",
    "async",
    "await",
    "yield",
    "enum",
    "readonly",
    "public",
    "static",
  ],
  ...[
    "undefined",
    "null",
    "true",
    "any",
    "unknown",
    "never",
    "string",
    "Date",
    "Record",
    "Array",
    "Uint8Array",
    "Target",
  ],
  ...[
    "TARGET_HASH",
    "Target2",
    "Object",
    "Promise",
    "1",
    "01",
    "1e3",
    "-1",
    "größe",
    "変数",
    "имя",
    "a\u0301",
    "\u0301a",
    "ﬁ",
  ],
  ...[
    "\u{1c89}",
    "\u{10d40}",
    "𝒳",
    "a\u200db",
    "\u202e",
    "\u2028",
    "\n",
    "\r\n",
    "\0",
    "\\",
    '"',
    "'",
    "`",
    "$",
    "{x}",
    "\ud800",
  ],
  ...[
    "*/",
    "/*",
    "//",
    "*/ export const pwned = 1; /*",
    '"; export const pwned = 1; "',
    "): void; }\nexport interface Target {",
  ],
  ...[
    "/// <reference path='x' />",
    "@ts-ignore",
    "// @ts-nocheck",
    "@ts-expect-error",
    "<script>",
    "]]>",
    "-->",
    "#!x",
  ],
];

/** Text that tries to be more than a name. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.tuple(fc.constantFrom(...NASTY), fc.constantFrom(...NASTY)).map(([a, b]) => a + b),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: "binary-ascii", maxLength: 12 }),
);

const garbage = fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.anything() });

const { type } = fc.letrec<{ type: unknown }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom("any", "nil", "bool", "int", "float", "str", "bytes", "time", "decimal"),
    fc.record({ literal: fc.oneof(hostileText, fc.integer(), fc.boolean(), fc.bigInt(), fc.double()) }),
    fc.record({ ref: fc.oneof(fc.constantFrom("Point", "Date", "Target", "gone"), hostileText) }),
    fc.record({ list: tie("type") }),
    fc.record({ map: tie("type") }),
    fc.record({ tuple: fc.array(tie("type"), { maxLength: 4 }) }),
    fc.record({ union: fc.array(tie("type"), { maxLength: 4 }) }),
    garbage,
  ),
}));

const flag = fc.oneof(fc.constantFrom(undefined, true, false), garbage);
const parameter = fc.record({ name: hostileText, type, optional: flag, rest: flag });
const described = fc.record({
  parameters: fc.oneof({ weight: 6, arbitrary: fc.array(parameter, { maxLength: 6 }) }, garbage),
  returns: type,
  doc: fc.oneof(
    hostileText,
    fc.array(hostileText).map((lines) => lines.join("\n")),
    garbage,
  ),
});
const field = fc.oneof({ weight: 6, arbitrary: fc.record({ type, optional: flag }) }, garbage);
const record = fc.oneof({ weight: 6, arbitrary: fc.record({ fields: fc.dictionary(hostileText, field) }) }, garbage);

/** What a peer may send, from nearly right to nonsense. */
export const hostileInterface: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      language: hostileText,
      functions: fc.dictionary(hostileText, fc.oneof({ weight: 8, arbitrary: described }, garbage), { maxKeys: 6 }),
      types: fc.dictionary(fc.oneof(fc.constantFrom("Point", "Date", "Target"), hostileText), record, { maxKeys: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.anything() },
);
