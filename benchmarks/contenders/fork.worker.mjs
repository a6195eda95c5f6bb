// The forked process.

import { answer } from "./answers.mjs";
import { jsonMethods, methods } from "./methods.mjs";

const offered = process.argv[2] === "json" ? jsonMethods : methods;

process.on("message", async (message) => process.send(await answer(offered, message)));
