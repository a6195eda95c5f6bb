import { UNFORWARDED_WRITE } from "@multifrost/protocol/internal";
import type { Telemetry } from "../lifecycle/telemetry.js";

/** Delivers a line of the worker's output: to listeners if there are any, else to this process, with the name in front. */
export function deliverOutput(
  telemetry: Telemetry,
  workerName: string,
  stream: "stdout" | "stderr",
  line: string,
): void {
  if (!telemetry.notify(stream, line)) {
    print(stream, `[${workerName} ${stream.toUpperCase()}]: ${line}\n`);
  }
}

/** Bypasses the forwarding of a child in the same process, which would send the line around in circles. */
function print(name: "stdout" | "stderr", text: string): void {
  const stream = process[name] as NodeJS.WriteStream & { [UNFORWARDED_WRITE]?: NodeJS.WriteStream["write"] };
  const write = stream[UNFORWARDED_WRITE] ?? stream.write;
  write.call(stream, text);
}
