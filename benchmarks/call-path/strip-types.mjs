// A loader for TypeScript: esbuild takes the types out and leaves every function what it was, and nothing is added.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";

const TYPESCRIPT = /^file:.*(?<!\.d)\.ts$/;

/** Sources import `./x.js` and mean `./x.ts`. */
export async function resolve(specifier, context, next) {
  if (specifier.startsWith(".") && TYPESCRIPT.test(context.parentURL ?? "")) {
    return next(specifier.replace(/\.js$/, ".ts"), context);
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!TYPESCRIPT.test(url)) {
    return next(url, context);
  }
  const path = fileURLToPath(url);
  const { code } = await transform(await readFile(path, "utf8"), {
    loader: "ts",
    target: "es2022",
    sourcefile: path,
    tsconfigRaw: { compilerOptions: { target: "es2022", verbatimModuleSyntax: true } },
  });
  return { format: "module", source: code, shortCircuit: true };
}
