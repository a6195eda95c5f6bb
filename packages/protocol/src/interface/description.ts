/** The type of a value, in terms that all languages share. */
export type ValueType =
  | "any"
  | "nil"
  | "bool"
  | "int"
  | "float"
  | "str"
  | "bytes"
  | "time"
  | { readonly list: ValueType }
  /** A map from text to values of one type. */
  | { readonly map: ValueType }
  | { readonly tuple: readonly ValueType[] }
  /** One of these; with `nil` among them it may be absent. */
  | { readonly union: readonly ValueType[] }
  /** Exactly this value. A number is an integer. */
  | { readonly literal: string | number | boolean }
  /** The record of this name in `types`. */
  | { readonly ref: string };

/** One parameter. Without `type` its type is unknown. */
export interface ParameterDescription {
  readonly name: string;
  /** For a `rest` parameter, the type of each value. */
  readonly type?: ValueType;
  /** May be left out. */
  readonly optional?: true;
  /** Takes all further arguments. Only the last parameter. */
  readonly rest?: true;
}

/** One method. Without `parameters` or `returns` these are unknown. */
export interface FunctionDescription {
  readonly parameters?: readonly ParameterDescription[];
  readonly returns?: ValueType;
  /** The first paragraph of its documentation. */
  readonly doc?: string;
}

/** One field of a record. Without `type` its type is unknown. */
export interface FieldDescription {
  readonly type?: ValueType;
  /** May be absent. */
  readonly optional?: true;
}

/** A map with known fields: a dataclass, a struct. */
export interface RecordDescription {
  /** The fields by name. */
  readonly fields: Readonly<Record<string, FieldDescription>>;
}

/** A worker's methods and their types, as under `metadata.interface` of the answer to `listFunctions`. */
export interface InterfaceDescription {
  /** The language of the worker, such as `python`. */
  readonly language?: string;
  /** The methods by name. */
  readonly functions: Readonly<Record<string, FunctionDescription>>;
  /** The records that `ref` refers to. Absent if there are none. */
  readonly types?: Readonly<Record<string, RecordDescription>>;
}
