// Makes the vectors, and the values of the matrix: `node interop/vectors/make.mjs && npx -y pnpm@12 format` writes the
// other files of this folder and ../values.json.

import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { answers, errors } from "./source/answers.mjs";
import { calls } from "./source/calls.mjs";
import { matrixValues } from "./source/matrix-values.mjs";
import { oddEncodings } from "./source/odd-encodings.mjs";
import { heads, heartbeats, life, output, strangers } from "./source/others.mjs";
import { limits, malformed } from "./source/refused.mjs";
import { values } from "./source/values.mjs";

/** Each file's name, and what is in it. */
export const files = {
  "answers.json": answers,
  "calls.json": calls,
  "errors.json": errors,
  "heads.json": heads,
  "heartbeats.json": heartbeats,
  "life.json": life,
  "limits.json": limits,
  "malformed.json": malformed,
  "odd-encodings.json": oddEncodings,
  "output.json": output,
  "strangers.json": strangers,
  "values.json": values,
};

/** The rows of ../values.json. */
export { matrixValues };

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [name, content] of Object.entries({ ...files, "../values.json": matrixValues })) {
    writeFileSync(new URL(name, import.meta.url), `${JSON.stringify(content, null, 2)}\n`);
  }
}
