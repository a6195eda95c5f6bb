// The tables of docs/performance.md, from the results of a full run.

import { number } from "../suite/report.mjs";

/** Blocks of Markdown by name. */
export function blocks({ date, machine, targets, cases, parents }) {
  return {
    circumstances: `Measured on ${date}: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.system}, Node ${machine.node.slice(1)}.`,
    targets: targetTable(targets),
    sequential: table(
      ["one call after the other, µs", "median", "p99", "p99.9", "CPU of both processes"],
      cases.sequential.rows.map(({ title, p50, p99, p999, cpu }) => [
        title,
        number(p50),
        number(p99),
        number(p999),
        cpu ? number(cpu.median) : "",
      ]),
    ),
    "in-flight": columns(
      "calls/s",
      { "16 in flight": "in-flight-16", "128 in flight": "in-flight-128", "1,024 in flight": "in-flight-1024" },
      cases,
    ),
    binary: columns(
      "MB/s, there and back",
      { "1 KiB": "echo-1-kib", "64 KiB": "echo-64-kib", "1 MiB": "echo-1-mib", "16 MiB": "echo-16-mib" },
      cases,
    ),
    others: columns(
      "",
      {
        "object of 1,000 fields, µs": "object",
        "spawn to first answer, ms": "start",
        "a pending call, KiB": "pending-memory",
      },
      cases,
    ),
    parents: table(
      [
        "parents of one service, calls/s",
        ...parents.loads.map(({ each, inAll }) => (each ? `${each} in flight at each` : `${inAll} in flight in all`)),
        `bare TCP sockets, ${parents.bare.inAll} in flight in all`,
      ],
      parents.loads[0].rows.map(({ parents: count }, index) => [
        number(count),
        ...[...parents.loads, parents.bare].map(
          ({ rows }) => `${number(rows[index].rate.median)} (× ${number(rows[index].ratio.median)})`,
        ),
      ]),
    ),
    idle: table(
      ["idle parents", "KiB each, in their process", "KiB each, at the service"],
      parents.kibPerParent.map(({ parents: count, parent, service }) => [
        number(count),
        number(parent),
        number(service),
      ]),
    ),
  };
}

/** The blocks about Python workers, from what `pnpm bench:python --json` writes. */
export function pythonBlocks({ targets, cases }) {
  return {
    python: columns(
      "Python worker",
      { "one call after the other, µs": "sequential", "128 in flight, calls/s": "in-flight-128", "start, ms": "start" },
      cases,
    ),
    "python-targets": targetTable(targets),
  };
}

/** The block about workers in Go and Rust, from what `pnpm bench:languages --json` writes. */
export function languageBlocks({ rows }) {
  return {
    languages: table(
      ["", "Multifrost", "compared with", "ratio", "least – most", "target", ""],
      rows.map(({ title, unit, multifrost, bare, ratio, target, missed }) => [
        title,
        `${number(multifrost.median)} ${unit}`,
        `${number(bare.median)} ${unit}`,
        number(ratio.median),
        `${number(ratio.min)} – ${number(ratio.max)}`,
        target,
        missed ? "missed" : "held",
      ]),
    ),
  };
}

function targetTable(targets) {
  return table(
    ["", "measured", "middle half", "target", ""],
    targets.map(({ title, measured, better, limit, verdict }) => [
      title,
      number(measured.median),
      `${number(measured.lower)} – ${number(measured.upper)}`,
      `${better === "more" ? "≥" : "≤"} ${limit}`,
      verdict.toLowerCase(),
    ]),
  );
}

/** The cases as columns, contenders as rows; a cell is the median and the middle half. */
function columns(head, ids, cases) {
  const titles = new Map(Object.values(ids).flatMap((id) => cases[id].rows.map((row) => [row.id, row.title])));
  const cell = (id, contender) => {
    const found = cases[id].rows.find((row) => row.id === contender);
    return found === undefined
      ? "–"
      : `${number(found.value.median)} (${number(found.value.lower)} – ${number(found.value.upper)})`;
  };
  return table(
    [head, ...Object.keys(ids)],
    [...titles].map(([contender, title]) => [title, ...Object.values(ids).map((id) => cell(id, contender))]),
  );
}

/** Text stands left, figures right; columns are aligned as the formatter aligns them. */
function table(head, rows) {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((cells) => cells[column].length)));
  const line = (cells) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join(" | ")} |`;
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
