// Loaded before anything else in both processes: Node then reads the packages' TypeScript, one module for each file.

import { register } from "node:module";

register(new URL("./strip-types.mjs", import.meta.url));
