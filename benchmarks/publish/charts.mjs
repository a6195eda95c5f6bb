// The charts of docs/performance.md and the README, from the results of a full run.

import { lines } from "./lines.mjs";
import { bars, dots } from "./rows.mjs";

const SIZES = { "echo-1-kib": "1 KiB", "echo-64-kib": "64 KiB", "echo-1-mib": "1 MiB", "echo-16-mib": "16 MiB" };

/** Contenders in the chart of sizes; more would not be readable. */
const WITH_SIZES = [
  "multifrost",
  "multifrost-zeromq",
  "bare-zeromq",
  "fork-json",
  "fork-advanced",
  "worker-threads",
  "grpc-js",
  "procwire",
];

/** Functions from a theme to a picture, by file name. */
export function charts({ cases, machine }) {
  const where = `${machine.cores} cores, Node ${machine.node.slice(1)}`;
  return {
    "calls-per-second": (theme) =>
      bars(
        {
          title: "Calls per second with 128 calls in flight",
          description: sentence(cases["in-flight-128"].rows, ({ value }) => value.median, "calls/s"),
          heading: "Calls per second",
          note: `add(1, 2) in another process, 128 calls in flight; more is better. ${where}`,
        },
        libraries(cases["in-flight-128"].rows),
        theme,
      ),
    "one-call": (theme) =>
      dots(
        {
          title: "Time of one call after the other",
          description: sentence(cases.sequential.rows, ({ p50 }) => p50, "µs"),
          heading: "One call after the other, µs",
          note: "Dot: median. Line: to the 99th percentile. Logarithmic axis; less is better.",
        },
        cases.sequential.rows.map(withKind),
        theme,
      ),
    "large-messages": (theme) =>
      lines(
        {
          title: "Binary data there and back, by size",
          description: sentence(cases["echo-1-mib"].rows, ({ value }) => value.median, "MB/s at 1 MiB"),
          heading: "Binary data there and back, MB/s",
          note: "One message after the other, by size. Logarithmic axes; more is better.",
        },
        Object.values(SIZES),
        WITH_SIZES.map((id) => sizes(id, cases)).filter((row) => row !== undefined),
        theme,
      ),
  };
}

/** Not the bare echoes: they are bounds, and would make all other bars short. */
function libraries(rows) {
  return rows.filter(({ id }) => !id.startsWith("bare-")).map(withKind);
}

function withKind(row) {
  return { ...row, kind: kindOf(row.id) };
}

function kindOf(id) {
  if (id.startsWith("multifrost")) {
    return id === "multifrost" ? "ours" : "related";
  }
  return id.startsWith("bare-") ? "bare" : "other";
}

function sizes(id, cases) {
  const found = Object.keys(SIZES).map((size) => cases[size].rows.find((row) => row.id === id));
  return found.includes(undefined)
    ? undefined
    : { title: found[0].title, kind: kindOf(id), values: found.map(({ value }) => value.median) };
}

function sentence(rows, figure, unit) {
  return `${rows.map((row) => `${row.title}: ${Math.round(figure(row))} ${unit}`).join("; ")}.`;
}
