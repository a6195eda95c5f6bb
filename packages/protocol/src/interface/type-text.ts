import type { ParameterDescription, ValueType } from "./description.js";
import { quoted } from "./identifiers.js";

/** The name of each record in the declaration. */
export type RecordNames = ReadonlyMap<string, string>;

const PLAIN: Readonly<Record<ValueType & string, string>> = {
  any: "unknown",
  nil: "null",
  bool: "boolean",
  int: "number",
  float: "number",
  str: "string",
  bytes: "Uint8Array",
  time: "Date",
};

/** A type in TypeScript. `unknown` if it is not known or refers to a missing record. */
export function typeText(type: ValueType | undefined, records: RecordNames): string {
  if (type === undefined) {
    return "unknown";
  }
  if (typeof type === "string") {
    return PLAIN[type];
  }
  if ("list" in type) {
    const item = typeText(type.list, records);
    return isUnion(type.list) && item.includes(" | ") ? `(${item})[]` : `${item}[]`;
  }
  if ("map" in type) {
    return `Record<string, ${typeText(type.map, records)}>`;
  }
  if ("tuple" in type) {
    return `[${type.tuple.map((member) => typeText(member, records)).join(", ")}]`;
  }
  if ("union" in type) {
    return unionText(type.union, records);
  }
  if ("ref" in type) {
    return records.get(type.ref) ?? "unknown";
  }
  return typeof type.literal === "string" ? quoted(type.literal) : String(type.literal);
}

function isUnion(type: ValueType): boolean {
  return typeof type === "object" && "union" in type;
}

/** Several types may have the same text, as int and float do. A union with `unknown` is `unknown`. */
function unionText(members: readonly ValueType[], records: RecordNames): string {
  const texts = new Set(members.map((member) => typeText(member, records)));
  return texts.has("unknown") ? "unknown" : [...texts].join(" | ") || "never";
}

/** The return type of a method: `void` if it always returns nil. */
export function returnText(type: ValueType | undefined, records: RecordNames): string {
  return type === "nil" ? "void" : typeText(type, records);
}

/**
 * The parameter list of a method. TypeScript requires optional parameters to come last: one that does not takes
 * `undefined`, which is sent as nil. Parameters after a rest parameter are left out.
 */
export function parametersText(
  parameters: readonly ParameterDescription[] | undefined,
  records: RecordNames,
  nameOf: (text: string) => string,
): string {
  if (parameters === undefined) {
    return "...args: unknown[]";
  }
  const restAt = parameters.findIndex(({ rest }) => rest);
  const reachable = restAt === -1 ? parameters : parameters.slice(0, restAt + 1);
  const lastRequired = reachable.findLastIndex(({ optional, rest }) => !optional && !rest);
  return reachable
    .map(({ name, type, optional, rest }, index) => {
      if (rest) {
        return `...${nameOf(name)}: ${typeText({ list: type ?? "any" }, records)}`;
      }
      const text = typeText(type, records);
      if (!optional) {
        return `${nameOf(name)}: ${text}`;
      }
      return index > lastRequired
        ? `${nameOf(name)}?: ${text}`
        : `${nameOf(name)}: ${text === "unknown" ? text : `${text} | undefined`}`;
    })
    .join(", ");
}
