import type {
  FieldDescription,
  FunctionDescription,
  InterfaceDescription,
  ParameterDescription,
  RecordDescription,
  ValueType,
} from "./description.js";

/** The most functions, records, and fields of a record. Further ones are left out. */
const MAX_NAMED = 10_000;

/** The most types, parameters and fields in one description, in total. */
const MAX_ENTRIES = 100_000;

/** The longest documentation of a function that is kept, in characters. */
const MAX_DOC = 2_000;

/** The most levels of nested types. A deeper type is `any`. */
const MAX_DEPTH = 32;

/** The longest name or text literal, in characters. */
const MAX_TEXT = 1_000;

const PLAIN: ReadonlySet<unknown> = new Set(["any", "nil", "bool", "int", "float", "str", "bytes", "time"]);

/** How many types, parameters and fields may still be read. Beyond that, types are `any` and the rest is left out. */
export interface Budget {
  left: number;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a worker's interface: `metadata.interface` of an answer to `listFunctions`, or a description stored as JSON.
 *
 * Never throws, whatever `value` is, and its result is bounded. Leaves out what it does not understand, which means
 * unknown.
 *
 * @param names The method names that the answer lists. The result has exactly these functions, described or not.
 *   Default: the names in `value`.
 */
export function readInterface(value: unknown, names?: readonly unknown[]): InterfaceDescription {
  const { language, functions, types } = isMap(value) ? value : {};
  const budget: Budget = { left: MAX_ENTRIES };
  const described = isMap(functions) ? functions : {};
  const records = readNamed(isMap(types) ? Object.entries(types) : [], (record) => readRecord(record, budget));
  const offered = names?.map((name) => [name, ownField(described, name)] as const) ?? Object.entries(described);
  const languageName = readText(language);
  return {
    ...(languageName === undefined ? {} : { language: languageName }),
    functions: readNamed(offered, (described) => readFunction(described, budget)),
    ...(Object.keys(records).length === 0 ? {} : { types: records }),
  };
}

function ownField(fields: Fields, name: unknown): unknown {
  return typeof name === "string" && Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** `fromEntries` makes `__proto__` a plain field. */
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

/** All parameters or none: with one missing, the others would be in the wrong positions. */
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

/** Reads one type. `undefined` if there is none, or it is of an unknown kind. */
export function readType(value: unknown, budget: Budget, depth = 0): ValueType | undefined {
  if (value === undefined) {
    return undefined;
  }
  if (depth >= MAX_DEPTH || budget.left <= 0) {
    return "any";
  }
  budget.left--;
  if (PLAIN.has(value)) {
    return value as ValueType;
  }
  return isMap(value) ? readCompound(value, budget, depth + 1) : undefined;
}

function readCompound(value: Fields, budget: Budget, depth: number): ValueType | undefined {
  const inner = (type: unknown): ValueType => readType(type, budget, depth) ?? "any";
  if (Object.hasOwn(value, "list")) {
    return { list: inner(value.list) };
  }
  if (Object.hasOwn(value, "map")) {
    return { map: inner(value.map) };
  }
  if (Array.isArray(value.tuple)) {
    return { tuple: readMembers(value.tuple, budget, inner) };
  }
  if (Array.isArray(value.union)) {
    return { union: readMembers(value.union, budget, inner) };
  }
  return readLeaf(value);
}

/** Cuts the members beyond the budget; the last one left becomes `any`. */
function readMembers(members: readonly unknown[], budget: Budget, inner: (type: unknown) => ValueType) {
  return members.slice(0, budget.left + 1).map(inner);
}

function readLeaf({ literal, ref }: Fields): ValueType | undefined {
  const name = readText(ref);
  if (name !== undefined) {
    return { ref: name };
  }
  if (typeof literal === "boolean") {
    return { literal };
  }
  if (typeof literal === "number" && Number.isSafeInteger(literal)) {
    // Turns −0 into 0.
    return { literal: literal + 0 };
  }
  // A literal that is too large becomes its type.
  const text = readText(literal);
  return text === undefined ? kindOf(literal) : { literal: text };
}

function kindOf(literal: unknown): ValueType | undefined {
  return typeof literal === "bigint" ? "int" : typeof literal === "string" ? "str" : undefined;
}

/** A name or other short text, with lone surrogates replaced; `undefined` for anything else. */
export function readText(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= MAX_TEXT ? value.toWellFormed() : undefined;
}

/** Whether it is a map as returned by a decoder or `JSON.parse`. */
export function isMap(value: unknown): value is Fields {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
