import { describe, it } from "node:test";
import { declare } from "./cases.js";

declare({ describe, it });
