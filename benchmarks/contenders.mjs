// The bytes of a call and its answer, under the name that `languages/` imports.

export { encoded } from "./contenders/encoded.mjs";
