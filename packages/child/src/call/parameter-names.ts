// The parameters of a function, read from its own source text. That is for people and their editors: where the text
// holds what takes a real parser, the names are made up and the number comes from the function itself.

import type { ParameterDescription } from "@multifrost/protocol";

const COMMENT = String.raw`\/\*(?:(?!\*\/)[\s\S])*\*\/|\/\/[^\n\r\u2028\u2029]*`;
const BLANK = String.raw`(?:\s|${COMMENT})*`;
const NAME = String.raw`[$_\p{ID_Start}][$\p{ID_Continue}]*`;
const STRING = String.raw`"[^"\n]*"|'[^'\n]*'`;

/** What stands before the parameters: `async *name(`, `function name(`, `"a name"(`, `async (`. */
const HEAD = new RegExp(
  String.raw`^(?:(?:async|function)\b${BLANK})*(?:\*${BLANK})?(?:(?:${NAME}|${STRING}|\d+)${BLANK})?\(`,
  "u",
);

/** An arrow function with one bare parameter. */
const BARE_ARROW = new RegExp(String.raw`^(?:async\b${BLANK})?(${NAME})${BLANK}=>`, "u");

const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;

/** One step through the source: a comment, a string, or a character. */
const TOKEN = new RegExp(`${COMMENT}|${STRING}|[\\s\\S]`, "gu");

/** What may hold brackets and commas that are none: templates, escapes, and what a single slash begins or divides. */
const BEYOND = /[`\\]|^\/$/;

/** One parameter, as far as it can be named: `name`, `...name`. */
const PARAMETER = new RegExp(String.raw`^\s*(\.\.\.)?\s*(${NAME})?`, "u");

/** The source of one parameter, and whether it has a default. */
interface Part {
  text: string;
  optional: boolean;
}

/** The parameters of a function, with their names where its source tells them plainly. Never throws. */
export function parametersOf(method: (...args: never[]) => unknown): ParameterDescription[] {
  const source = Function.prototype.toString.call(method);
  const arrow = BARE_ARROW.exec(source);
  if (arrow !== null) {
    return [{ name: arrow[1] as string }];
  }
  const head = NATIVE.test(source) ? null : HEAD.exec(source);
  const parts = head === null ? undefined : splitParameters(source.slice(head[0].length));
  return parts?.map(readParameter) ?? unnamed(method.length);
}

/** `length` tells only how many there are before the first that may be left out. */
function unnamed(length: number): ParameterDescription[] {
  const known = Array.from({ length }, (_, index) => ({ name: `arg${index}` }));
  return [...known, { name: "args", rest: true }];
}

/** Splits at the commas up to the closing parenthesis; `undefined` where that cannot be told. */
function splitParameters(source: string): Part[] | undefined {
  const parts: Part[] = [];
  let part: Part = { text: "", optional: false };
  let depth = 0;
  for (const [token] of source.matchAll(TOKEN)) {
    if (token.startsWith("//") || token.startsWith("/*")) {
      continue;
    }
    if (BEYOND.test(token)) {
      return undefined;
    }
    if (depth > 0 || (token !== "," && token !== ")")) {
      depth += "([{".includes(token) ? 1 : ")]}".includes(token) ? -1 : 0;
      part.optional ||= depth === 0 && token === "=";
      part.text += token;
      continue;
    }
    parts.push(part);
    part = { text: "", optional: false };
    if (token === ")") {
      // There are none at all, or a comma stands behind the last one.
      return parts.at(-1)?.text.trim() === "" ? parts.slice(0, -1) : parts;
    }
  }
  return undefined;
}

/** One that takes its argument apart, `{ a, b }`, has no name of its own. */
function readParameter({ text, optional }: Part, index: number): ParameterDescription {
  const [, rest, name = `arg${index}`] = PARAMETER.exec(text) ?? [];
  return {
    name,
    ...(optional ? { optional: true as const } : {}),
    ...(rest === undefined ? {} : { rest: true as const }),
  };
}
