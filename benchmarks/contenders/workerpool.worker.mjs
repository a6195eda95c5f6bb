// The thread. It needs the bytes no more once they are sent back: they are moved.

import workerpool from "workerpool";
import { methods } from "./methods.mjs";

workerpool.worker({ ...methods, echo: (bytes) => new workerpool.Transfer(bytes, [bytes.buffer]) });
