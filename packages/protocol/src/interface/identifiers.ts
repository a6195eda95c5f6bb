/**
 * Only letters of scripts that have not changed for years. A compiler may not know recently added letters that this
 * engine knows, and one such letter would break the whole file.
 */
const IDENTIFIER = /^(?=[$_\p{ID_Start}])[$_\p{ID_Continue}]+$/u;
const FOREIGN = /[^$_\p{ID_Continue}]|[^\0-\u052f\u3040-\u30ff\u4e00-\u9fef\uac00-\ud7a3]/gu;

/** Words that cannot name a variable. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    "arguments async await break case catch class const constructor continue debugger default delete do else enum eval " +
    "export extends false finally for function if implements import in instanceof interface let new null package " +
    "private protected public readonly return static super switch this throw true try typeof undefined var void while " +
    "with yield"
  ).split(" "),
);

/** Built-in types: a type with such a name is refused, or hides the built-in one. */
export const KNOWN_TYPES: readonly string[] =
  "any bigint boolean never number object string symbol undefined unknown void Array Date Record Uint8Array".split(" ");

/** Whether the text can be used as a name unchanged. */
export function isIdentifier(text: string): boolean {
  return IDENTIFIER.test(text) && !RESERVED.has(text) && text.search(FOREIGN) === -1;
}

/** The text itself, or a similar identifier. */
export function identifierOf(text: string): string {
  const name = text.replace(FOREIGN, "_");
  if (isIdentifier(name)) {
    return name;
  }
  return RESERVED.has(name) ? `${name}_` : `_${name}`;
}

/** The name of a method or field: unquoted if possible, else quoted. */
export function memberName(text: string): string {
  return isIdentifier(text) ? text : quoted(text);
}

/** Returns a function that makes names that differ from each other and from those `taken`. */
export function createNames(taken: Iterable<string> = []): (text: string) => string {
  const used = new Set(taken);
  return (text) => {
    const name = identifierOf(text);
    let free = name;
    for (let count = 2; used.has(free); count++) {
      free = `${name}${count}`;
    }
    used.add(free);
    return free;
  };
}

/** Characters that are invisible, end a line, or change the text direction. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text as a string literal. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(UNSEEN, (unit) => `\\u{${(unit.codePointAt(0) as number).toString(16)}}`);
}

/** An indented documentation comment. The text can neither end it nor contain compiler directives. */
export function docComment(text: string, indent: string): string {
  const lines = text.split(/\r\n|[\n\r\u2028\u2029]/).map((line) => line.replace(UNSEEN, " ").trim());
  const safe = lines.map((line) => line.replaceAll("*/", "*\\/").replace(/@ts-/gi, "@ ts-"));
  return [`${indent}/**`, ...safe.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`, ""].join("\n");
}
