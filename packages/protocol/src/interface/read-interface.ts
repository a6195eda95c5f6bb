// What a peer tells of its methods, checked: whatever it sent, a description comes of it. What cannot be understood is
// left out, which means that it is not known. Next: interface-hash.ts, interface-declaration.ts.

import type {
  FieldDescription,
  FunctionDescription,
  InterfaceDescription,
  ParameterDescription,
  RecordDescription,
} from "./interface-description.js";
import { type Budget, type Fields, isMap, readText, readType } from "./read-types.js";

/** Most functions, records, and fields of a record; further ones are left out. */
const MAX_NAMED = 10_000;

/** Types, parameters and fields in one description, all together. */
const MAX_TOLD = 100_000;

/** How much is kept of a function's documentation, in characters. */
const MAX_DOC = 2_000;

/**
 * Reads what stands under `metadata.interface` of an answer to `listFunctions`, or a description that was kept as JSON.
 * Never throws, whatever `value` is; it is bounded in every direction.
 *
 * @param names What the answer lists. Each is a function then, described or not, and there are no others. Default: the
 *   names in `value`.
 */
export function readInterface(value: unknown, names?: readonly unknown[]): InterfaceDescription {
  const { language, functions, types } = isMap(value) ? value : {};
  const budget: Budget = { left: MAX_TOLD };
  const described = isMap(functions) ? functions : {};
  const records = readNamed(isMap(types) ? Object.entries(types) : [], (record) => readRecord(record, budget));
  const offered = names?.map((name) => [name, ownField(described, name)] as const) ?? Object.entries(described);
  const spoken = readText(language);
  return {
    ...(spoken === undefined ? {} : { language: spoken }),
    functions: readNamed(offered, (described) => readFunction(described, budget)),
    ...(Object.keys(records).length === 0 ? {} : { types: records }),
  };
}

function ownField(fields: Fields, name: unknown): unknown {
  return typeof name === "string" && Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** `fromEntries` makes `__proto__` a field like any other. */
function readNamed<R>(entries: readonly (readonly [unknown, unknown])[], read: (value: unknown) => R) {
  const named = entries.slice(0, MAX_NAMED).flatMap(([key, value]) => {
    const name = readText(key);
    return name === undefined ? [] : [[name, read(value)] as const];
  });
  return Object.fromEntries(named) as Record<string, R>;
}

function readFunction(value: unknown, budget: Budget): FunctionDescription {
  if (!isMap(value)) {
    return {};
  }
  const { doc } = value;
  const parameters = readParameters(value.parameters, budget);
  const returns = readType(value.returns, budget);
  return {
    ...(parameters === undefined ? {} : { parameters }),
    ...(returns === undefined ? {} : { returns }),
    ...(typeof doc === "string" && doc !== "" ? { doc: doc.slice(0, MAX_DOC).toWellFormed() } : {}),
  };
}

/** All of them or none: with one missing, the others would stand in the wrong places. */
function readParameters(value: unknown, budget: Budget): readonly ParameterDescription[] | undefined {
  if (!Array.isArray(value) || value.length > budget.left) {
    return undefined;
  }
  budget.left -= value.length;
  const parameters: ParameterDescription[] = [];
  for (const parameter of value) {
    const name = isMap(parameter) ? readText(parameter.name) : undefined;
    if (name === undefined) {
      return undefined;
    }
    const rest = parameter.rest === true ? { rest: true as const } : {};
    parameters.push({ name, ...readField(parameter, budget), ...rest });
  }
  return parameters;
}

function readRecord(value: unknown, budget: Budget): RecordDescription {
  const fields = isMap(value) && isMap(value.fields) ? Object.entries(value.fields) : [];
  const counted = fields.slice(0, Math.min(MAX_NAMED, budget.left));
  budget.left -= counted.length;
  return { fields: readNamed(counted, (field) => readField(field, budget)) };
}

function readField(value: unknown, budget: Budget): FieldDescription {
  if (!isMap(value)) {
    return {};
  }
  const type = readType(value.type, budget);
  return { ...(type === undefined ? {} : { type }), ...(value.optional === true ? { optional: true } : {}) };
}
