// The forked process.

import { createBirpc } from "birpc";
import { jsonMethods } from "./methods.mjs";

createBirpc(jsonMethods, { post: (data) => process.send(data), on: (receive) => process.on("message", receive) });
