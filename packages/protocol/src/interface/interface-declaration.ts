// From what a worker tells of itself to the TypeScript that types its calls: `ParentWorker.spawn<Predictor>(…)`.
// Next: type-text.ts for each type, identifiers.ts for each name.

import { MultifrostError } from "../errors/index.js";
import { createNames, docComment, isIdentifier, KNOWN_TYPES, memberName } from "./identifiers.js";
import type { FunctionDescription, InterfaceDescription, RecordDescription } from "./interface-description.js";
import { interfaceHash } from "./interface-hash.js";
import { readInterface } from "./read-interface.js";
import { parametersText, type RecordNames, returnText, typeText } from "./type-text.js";

/** How a declaration is made. */
export interface DeclarationOptions {
  /** What the interface is called: an identifier such as `Predictor`. */
  readonly name: string;
}

const HEADER = `// Made by multifrost from what the worker tells of itself. Do not change it by hand: make it anew.
// An integer is a number here; beyond 2^53 - 1 either way it arrives as a bigint.
`;

/**
 * The text of a TypeScript file with an interface of the worker's methods, an interface for each record they use, and
 * the interface's hash as a constant: `Predictor` and `PREDICTOR_HASH`.
 *
 * The text is right for `predictor.ts`, where the constant can be imported as a value, and for `predictor.d.ts`, which
 * has types alone. Names and documentation come from the worker: whatever they are, the text holds nothing else than
 * these declarations.
 *
 * Rejects with `MultifrostError` `INVALID_OPTION` for a name that is no identifier.
 */
export async function interfaceDeclaration(
  description: InterfaceDescription,
  { name }: DeclarationOptions,
): Promise<string> {
  checkName(name);
  const { functions, types = {} } = readInterface(description);
  const nameOf = createNames([...KNOWN_TYPES, name]);
  const records: RecordNames = new Map(Object.keys(types).map((record) => [record, nameOf(record)]));
  const methods = Object.entries(functions).map(([method, told]) => methodText(method, told, records));
  return [
    HEADER,
    `/** Changes with the interface. As the option \`interfaceHash\` of a parent it tells when that has happened. */`,
    `export const ${hashName(name)} = "${await interfaceHash(description)}";\n`,
    `/** The worker's methods, for \`ParentWorker.spawn<${name}>(…)\` and \`ParentWorker.connect<${name}>(…)\`. */`,
    `export interface ${name} ${block(methods)}`,
    ...Object.entries(types).map(([record, told]) => `\n${recordText(records.get(record) as string, told, records)}`),
    "",
  ].join("\n");
}

function checkName(name: string): void {
  if (!isIdentifier(name) || KNOWN_TYPES.includes(name)) {
    const message = `name must be what an interface can be called, such as Predictor, not ${JSON.stringify(name)}.`;
    throw new MultifrostError("INVALID_OPTION", message);
  }
}

/** `TextModel` → `TEXT_MODEL_HASH`. */
function hashName(name: string): string {
  const words = name.replace(/(\p{Ll}|\d)(\p{Lu})/gu, "$1_$2").replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1_$2");
  return `${words.toUpperCase()}_HASH`;
}

function methodText(name: string, { parameters, returns, doc }: FunctionDescription, records: RecordNames): string {
  const comment = doc === undefined ? "" : docComment(doc, "  ");
  const taken = parametersText(parameters, records, createNames());
  return `${comment}  ${memberName(name)}(${taken}): ${returnText(returns, records)};`;
}

function recordText(name: string, { fields }: RecordDescription, records: RecordNames): string {
  const lines = Object.entries(fields).map(
    ([field, { type, optional }]) => `  ${memberName(field)}${optional ? "?" : ""}: ${typeText(type, records)};`,
  );
  return `export interface ${name} ${block(lines)}`;
}

function block(lines: readonly string[]): string {
  return lines.length === 0 ? "{}" : ["{", ...lines, "}"].join("\n");
}
