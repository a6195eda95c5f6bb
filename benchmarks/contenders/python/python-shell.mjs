// python-shell in its JSON mode: a line for each call and for each answer.

import { fileURLToPath } from "node:url";
import { PythonShell } from "python-shell";
import { Answers } from "../answers.mjs";

const SCRIPT = fileURLToPath(new URL("./json_lines.py", import.meta.url));

export async function open() {
  const shell = new PythonShell(SCRIPT, { mode: "json", pythonPath: "python3" });
  const answers = new Answers();
  shell.on("message", (message) => answers.arrived(message));
  return {
    add: (a, b) => answers.to((id) => shell.send({ id, a, b })),
    close: () => new Promise((resolve, reject) => shell.end((error) => (error ? reject(error) : resolve()))),
  };
}
