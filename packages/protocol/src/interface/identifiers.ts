// Names from a worker as TypeScript can have them, and text as a string literal. All of it comes from a peer.
// Used by interface-declaration.ts and type-text.ts.

/**
 * Letters of scripts that have not changed for years. Of those that were added lately, compilers know other ones than
 * the engine that runs this, and one letter they do not know would break the whole file.
 */
const IDENTIFIER = /^(?=[$_\p{ID_Start}])[$_\p{ID_Continue}]+$/u;
const FOREIGN = /[^$_\p{ID_Continue}]|[^\0-\u052f\u3040-\u30ff\u4e00-\u9fef\uac00-\ud7a3]/gu;

/** Words that cannot be the name of a variable, or mean something else there. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    "arguments async await break case catch class const constructor continue debugger default delete do else enum eval " +
    "export extends false finally for function if implements import in instanceof interface let new null package " +
    "private protected public readonly return static super switch this throw true try typeof undefined var void while " +
    "with yield"
  ).split(" "),
);

/** Types that are there already: a type of that name would be refused, or hide what a declaration means by it. */
export const KNOWN_TYPES: readonly string[] =
  "any bigint boolean never number object string symbol undefined unknown void Array Date Record Uint8Array".split(" ");

/** Whether it is a name as it stands. */
export function isIdentifier(text: string): boolean {
  return IDENTIFIER.test(text) && !RESERVED.has(text) && text.search(FOREIGN) === -1;
}

/** The name itself, or one as near to it as can be. */
export function identifierOf(text: string): string {
  const name = text.replace(FOREIGN, "_");
  if (isIdentifier(name)) {
    return name;
  }
  return RESERVED.has(name) ? `${name}_` : `_${name}`;
}

/** As the name of a method or field: bare where it can be, else quoted. */
export function memberName(text: string): string {
  return isIdentifier(text) ? text : quoted(text);
}

/** Makes names that differ from each other and from those `taken`. */
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

/** Characters that are not seen, end a line, or turn the direction of what follows. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A string literal. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(UNSEEN, (unit) => `\\u{${(unit.codePointAt(0) as number).toString(16)}}`);
}

/** A comment of documentation, indented; nothing in it ends it or speaks to the compiler. */
export function docComment(text: string, indent: string): string {
  const lines = text.split(/\r\n|[\n\r\u2028\u2029]/).map((line) => line.replace(UNSEEN, " ").trim());
  const safe = lines.map((line) => line.replaceAll("*/", "*\\/").replace(/@ts-/gi, "@ ts-"));
  return [`${indent}/**`, ...safe.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`, ""].join("\n");
}
