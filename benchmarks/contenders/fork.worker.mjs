// The forked process.

import { answer } from "./answers.mjs";
import { methods } from "./methods.mjs";

const json = process.argv[2] === "json";
const own = { ...methods, echo: (bytes) => (json ? Buffer.from(bytes, "base64").toString("base64") : bytes) };

process.on("message", async (message) => process.send(await answer(own, message)));
