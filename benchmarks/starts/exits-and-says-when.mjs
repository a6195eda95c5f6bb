// A script that ends before it can be reached, and writes when on stderr as the last thing it does.

import { writeSync } from "node:fs";

process.on("exit", () => writeSync(2, `${performance.timeOrigin + performance.now()}\n`));
process.exit(7);
