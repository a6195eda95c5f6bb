// The process that execa runs.

import { getEachMessage, sendMessage } from "execa";
import { answer } from "./answers.mjs";
import { methods } from "./methods.mjs";

for await (const message of getEachMessage()) {
  answer(methods, message).then(sendMessage);
}
