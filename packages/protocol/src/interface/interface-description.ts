// What a worker tells of its methods: as it stands under `metadata.interface` of the answer to `listFunctions`, no logic.
// Next: read-interface.ts checks what a peer sent, interface-declaration.ts makes TypeScript of it.

/** The type of a value, as far as all languages have it in common. */
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
  /** This value and no other. A number is a whole one. */
  | { readonly literal: string | number | boolean }
  /** The record of this name in `types`. */
  | { readonly ref: string };

/** One parameter. Without `type` the type is not known. */
export interface ParameterDescription {
  readonly name: string;
  /** Of a `rest` parameter: the type of each of its values. */
  readonly type?: ValueType;
  /** May be left out. */
  readonly optional?: true;
  /** Takes all further arguments; the last one. */
  readonly rest?: true;
}

/** One method. Without `parameters` or `returns` these are not known. */
export interface FunctionDescription {
  readonly parameters?: readonly ParameterDescription[];
  readonly returns?: ValueType;
  /** The first paragraph of its documentation. */
  readonly doc?: string;
}

/** One field of a record. Without `type` the type is not known. */
export interface FieldDescription {
  readonly type?: ValueType;
  /** May be absent. */
  readonly optional?: true;
}

/** A map with known fields: a dataclass, a struct. */
export interface RecordDescription {
  readonly fields: Readonly<Record<string, FieldDescription>>;
}

/** The methods that a worker offers, and what is known of them. */
export interface InterfaceDescription {
  /** What it is written in, such as `python`. */
  readonly language?: string;
  readonly functions: Readonly<Record<string, FunctionDescription>>;
  /** The records that `ref` refers to. Absent where there are none. */
  readonly types?: Readonly<Record<string, RecordDescription>>;
}
