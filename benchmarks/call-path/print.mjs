// Prints what was counted, for people.

const WIDTHS = [16, 14, 16, 12, 6];

/** One line for each side: what ran, the limit, and what ran at commit 9dffa40. */
export function printSides(sides, before) {
  console.log("One add(1, 2), everything warm: our source files and functions that ran.\n");
  printLine(["", "files", "functions", "invocations", ""]);
  for (const { name, target, counts } of sides) {
    const above = counts.files > target.files || counts.functions > target.functions;
    const limits = [`${counts.files} / ${target.files}`, `${counts.functions} / ${target.functions}`];
    printLine([name, ...limits, `${counts.invocations}`, above ? "MISS" : "pass"]);
  }
  console.log("\nEach figure is followed by the most it may be. At commit 9dffa40, over zeromq:");
  for (const [name, counts] of Object.entries(before)) {
    printLine([name, ...["files", "functions", "invocations"].map((key) => `${counts[key]}`), ""]);
  }
}

/** Every function that ran on one side, by file and in the order of the file, with how often it ran. */
export function printFunctions({ name, counts }) {
  console.log(`\n${name}`);
  for (const { file, functions } of counts.byFile) {
    console.log(`  ${file}`);
    for (const { name: functionName, count } of functions) {
      console.log(`    ${String(count).padStart(3)} × ${functionName || "(anonymous)"}`);
    }
  }
}

function printLine(cells) {
  const padded = cells.map((cell, column) => (column === 0 ? cell.padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[column])));
  console.log(`  ${padded.join(" ")}`.trimEnd());
}
