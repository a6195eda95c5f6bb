// Counts what this process runs of our packages, with V8's precise coverage.

import { Session } from "node:inspector/promises";

const packages = process.env.CALL_PATH_PACKAGES;

/** Starts to count. Each `take()` returns what has run since the one before, and sets every count back to 0. */
export async function createCounter() {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  return {
    async take() {
      const { result } = await session.post("Profiler.takePreciseCoverage");
      return result.flatMap(ours).sort((a, b) => (a.file < b.file ? -1 : 1));
    },
  };
}

/** The functions of a script that ran at least once, where the script is one of our sources. */
function ours({ url, functions }) {
  if (!url.startsWith(packages) || url.includes("/node_modules/")) {
    return [];
  }
  const ran = functions
    .map(({ functionName, ranges: [{ startOffset, count }] }) => ({ name: functionName, startOffset, count }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => a.startOffset - b.startOffset);
  return ran.length === 0 ? [] : [{ file: url.slice(packages.length), functions: ran }];
}
