// What the worker prints, line by line: to the listeners where there are any, else to this process's own streams with
// the worker's name in front. The child's twin: child/src/output/forward-output.ts.

import { UNFORWARDED_WRITE } from "@multifrost/protocol/internal";

/** Hands a line to listeners; false where there are none. */
export type EmitLine = (stream: "stdout" | "stderr", line: string) => boolean;

/** Makes the handler for the worker's lines. */
export function createWorkerOutput(
  workerName: string,
  emit: EmitLine,
): (stream: "stdout" | "stderr", line: string) => void {
  return (stream, line) => {
    if (!emit(stream, line)) {
      print(stream, `[${workerName} ${stream.toUpperCase()}]: ${line}\n`);
    }
  };
}

/** Past a child's own forwarding in the same process, which would send the line round again. */
function print(name: "stdout" | "stderr", text: string): void {
  const stream = process[name] as NodeJS.WriteStream & { [UNFORWARDED_WRITE]?: NodeJS.WriteStream["write"] };
  const write = stream[UNFORWARDED_WRITE] ?? stream.write;
  write.call(stream, text);
}
