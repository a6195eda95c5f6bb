/**
 * `@multifrost/protocol/interface`: reads, hashes and declares the interface of a worker.
 *
 * @packageDocumentation
 */

export { type DeclarationOptions, interfaceDeclaration } from "./declaration.js";
export type {
  FieldDescription,
  FunctionDescription,
  InterfaceDescription,
  ParameterDescription,
  RecordDescription,
  ValueType,
} from "./description.js";
export { interfaceHash } from "./hash.js";
export { readInterface } from "./read-interface.js";
