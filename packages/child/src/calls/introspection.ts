// What introspection says about methods: JavaScript knows their parameters, and no types. Parameter names are read from
// a function's source text and are for people and their editors. Where reading them takes a real parser, they are made
// up, and their number comes from the function.

import type { FunctionDescription, InterfaceDescription, ParameterDescription } from "@multifrost/protocol";

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

/** Brackets and commas may be text in these: templates, escapes, and regular expressions, which look like divisions. */
const BEYOND = /[`\\]|^\/$/;

/** One parameter, as far as it can be named: `name`, `...name`. */
const PARAMETER = new RegExp(String.raw`^\s*(\.\.\.)?\s*(${NAME})?`, "u");

/** The source of one parameter, and whether it has a default. */
interface Part {
  text: string;
  optional: boolean;
}

/** Describes methods, for `metadata.interface` of the answer to `listFunctions`. */
export function describeMethods(methods: ReadonlyMap<string, (...args: never[]) => unknown>): InterfaceDescription {
  const described = [...methods].map(([name, method]): [string, FunctionDescription] => [
    name,
    { parameters: parametersOf(method) },
  ]);
  return { language: "javascript", functions: Object.fromEntries(described) };
}

/** The parameters of a function, with their names where its source shows them plainly. Never throws. */
export function parametersOf(method: (...args: never[]) => unknown): ParameterDescription[] {
  const source = Function.prototype.toString.call(method);
  const [, bareName] = BARE_ARROW.exec(source) ?? [];
  if (bareName !== undefined) {
    return [{ name: bareName }];
  }
  const head = NATIVE.test(source) ? null : HEAD.exec(source);
  const parts = head === null ? undefined : splitParameters(source.slice(head[0].length));
  return parts?.map(readParameter) ?? unnamed(method.length);
}

/** `length` counts only the parameters before the first optional one. */
function unnamed(length: number): ParameterDescription[] {
  const known = Array.from({ length }, (_, index) => ({ name: `arg${index}` }));
  return [...known, { name: "args", rest: true }];
}

/** Splits at the commas up to the closing parenthesis; `undefined` where that takes a parser. */
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
      // No parameters, or a trailing comma.
      return parts.at(-1)?.text.trim() === "" ? parts.slice(0, -1) : parts;
    }
  }
  return undefined;
}

/** A parameter that is a pattern, such as `{ a, b }`, has no name. */
function readParameter({ text, optional }: Part, index: number): ParameterDescription {
  const [, rest, name = `arg${index}`] = PARAMETER.exec(text) ?? [];
  return {
    name,
    ...(optional ? { optional: true as const } : {}),
    ...(rest === undefined ? {} : { rest: true as const }),
  };
}
