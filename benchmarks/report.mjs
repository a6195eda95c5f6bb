// Prints what was measured as a table for people.

/** Column widths; the first column is text and stands left, the others right. */
const WIDTHS = [40, 26, 26, 22, 9, 6];

/** Prints the rows of each language; a row's title says what it is compared with. */
export function printLanguages(rows, repetitions) {
  printHead("compared with", repetitions);
  rows.forEach(printRow);
}

/** Prints the head of a table; `bare` is the title of what Multifrost is compared with. */
export function printHead(bare, repetitions) {
  console.log(`${repetitions} repetitions each, in turn; median (least – most) of them.`);
  console.log(`Node ${process.version}, ${process.platform} ${process.arch}\n`);
  printLine(["", "Multifrost", bare, "ratio", "target", ""]);
}

/** Prints one line of a table. */
export function printRow({ title, unit, multifrost, bare, ratio, target, missed }) {
  const verdict = target === undefined ? "" : missed ? "MISS" : "pass";
  printLine([title, amount(multifrost, unit), amount(bare, unit), factor(ratio), target ?? "", verdict]);
}

function printLine(cells) {
  const padded = cells.map((cell, column) => (column === 0 ? cell.padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[column])));
  console.log(padded.join(" ").trimEnd());
}

function amount({ median, min, max }, unit) {
  return `${whole(median)} ${unit} (${whole(min)} – ${whole(max)})`;
}

function factor({ median, min, max }) {
  return `${median.toFixed(2)} (${min.toFixed(2)} – ${max.toFixed(2)})`;
}

/** Thousands apart, no fractions: the spread is wider than they are. */
function whole(value) {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, " ");
}
