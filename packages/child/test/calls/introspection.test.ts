import { expect, test } from "vitest";
import { describeMethods, parametersOf } from "../../src/calls/introspection.js";

test("[INT-1] [INT-2] names the language and each method's parameters; JavaScript knows no types", () => {
  const methods = new Map([
    ["add", (a: unknown, b: unknown) => [a, b]],
    ["now", () => 0],
    ["sum", (first: unknown, ...more: unknown[]) => [first, more]],
  ] as [string, (...args: readonly unknown[]) => unknown][]);
  expect(describeMethods(methods)).toEqual({
    language: "javascript",
    functions: {
      add: { parameters: [{ name: "a" }, { name: "b" }] },
      now: { parameters: [] },
      sum: { parameters: [{ name: "first" }, { name: "more", rest: true }] },
    },
  });
});

test("a method called __proto__ is described like any other", () => {
  const { functions } = describeMethods(new Map([["__proto__", () => 0]]));
  expect(Object.keys(functions)).toEqual(["__proto__"]);
});

/** A function from source that no formatter has touched. */
function written(source: string): (...args: never[]) => unknown {
  return new Function(`return ${source};`)() as (...args: never[]) => unknown;
}

/** A method of a class, from source. */
function method(source: string): (...args: never[]) => unknown {
  const made = written(`class { ${source} }`) as unknown as {
    prototype: Record<string, (...args: never[]) => unknown>;
  };
  const name = Object.getOwnPropertyNames(made.prototype).find((own) => own !== "constructor");
  return made.prototype[name!]!;
}

/** `a`, `b?`, `...c`. */
function shown(source: (...args: never[]) => unknown): string {
  return parametersOf(source)
    .map(({ name, optional, rest }) => `${rest ? "..." : ""}${name}${optional ? "?" : ""}`)
    .join(" ");
}

test.each([
  ["add(a, b) {}", "a b"],
  ["none() {}", ""],
  ["none( /* nothing, here */ ) {}", ""],
  ["async later(a) {}", "a"],
  ["*each(a) {}", "a"],
  ["async *each(a) {}", "a"],
  ["async(a) {}", "a"],
  ["get(a) {}", "a"],
  ["function(a) {}", "a"],
  ["größe(straße, $el, _x) {}", "straße $el _x"],
  ['"a (name"(a) {}', "a"],
  ["'it' (a) {}", "a"],
  ["7(a) {}", "a"],
  ["trailing(a, b,) {}", "a b"],
  ["defaults(a, b = 1, c = b == 1) {}", "a b? c?"],
  ["rest(a, ...more) {}", "a ...more"],
  ["apart({ a, b }, [c] = [], ...[d]) {}", "arg0 arg1? ...arg2"],
  ["nested(a = { x: [1, 2], y: (1, 2) }, b = (x, y) => x, c) {}", "a? b? c"],
  [`strings(a = "),", b = ')"', c) {}`, "a? b? c"],
  ["comments(a /* , x) */, // b)\n c) {}", "a c"],
  ["/* of */ named /* in */ (a) { /* ( */ }", "a"],
])("a method %s: %s", (source, parameters) => {
  expect(shown(method(source))).toBe(parameters);
});

test.each([
  ["(a, b) => a", "a b"],
  ["a => a", "a"],
  ["async a => a", "a"],
  ["async => async", "async"],
  ["async (a, b = 1) => a", "a b?"],
  ["function (a) {}", "a"],
  ["function named(a) {}", "a"],
  ["async function* named(a) {}", "a"],
])("a function put on the prototype, %s: %s", (source, parameters) => {
  expect(shown(written(`(${source})`))).toBe(parameters);
});

test.each([
  ["a template", method("m(a, b = `,)`) {}"), "arg0 ...args"],
  ["a regular expression", method("m(a, b = /[,)]/, c) {}"), "arg0 ...args"],
  ["a division", method("m(a, b = 4 / 2) {}"), "arg0 ...args"],
  ["an escape", method(`m(a, b = "\\",") {}`), "arg0 ...args"],
  ["an escaped name", method("m(\\u0061, b) {}"), "arg0 arg1 ...args"],
  ["a computed name", method("[`m(x`](a) {}"), "arg0 ...args"],
  ["a computed name behind a comment", method("[/* ( */ 'm'](a) { /* ( */ }"), "arg0 ...args"],
  ["a bound function", ((a: number) => a).bind(null), "arg0 ...args"],
  ["a function of the engine", Math.max, "arg0 arg1 ...args"],
  ["a proxy", new Proxy((_a: number) => 1, {}), "arg0 ...args"],
])("parameters that only a parser can read get made-up names and a rest: %s", (_what, source, parameters) => {
  expect(shown(source)).toBe(parameters);
});

test("a long source takes time proportional to its length", () => {
  const long = " ".repeat(200_000);
  const source = method(`m(a,${long}b = "${long}") {${long}}`);
  expect(shown(source)).toBe("a b?");
});
