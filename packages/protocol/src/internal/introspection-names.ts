/** What introspection is called in each language, in the order a parent tries them: JavaScript and Rust, Python, Go. */
export const INTROSPECTION_NAMES: readonly string[] = ["listFunctions", "list_functions", "ListFunctions"];
