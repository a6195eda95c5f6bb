// What introspection tells of the methods beside their names. JavaScript knows their parameters, and no types.
// Next: parameter-names.ts.

import type { FunctionDescription, InterfaceDescription } from "@multifrost/protocol";
import type { Method } from "./method-table.js";
import { parametersOf } from "./parameter-names.js";

/** Describes methods, for `metadata.interface` of an answer to `listFunctions`. */
export function describeMethods(methods: ReadonlyMap<string, Method>): InterfaceDescription {
  const described = [...methods].map(([name, method]): [string, FunctionDescription] => [
    name,
    { parameters: parametersOf(method) },
  ]);
  return { language: "javascript", functions: Object.fromEntries(described) };
}
