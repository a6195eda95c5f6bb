// Every option of every entry point is given every wrong value: it is refused by a typed error that names the option, or accepted
// as documented. Names that are not known are refused.

import { MultifrostError } from "@multifrost/protocol/errors";
import { TABLES } from "../option-tables.mjs";
import { WRONG_VALUES } from "../wrong-values.mjs";

/** A name that no option is near to: the error lists those that there are. */
const UNKNOWN = "zzzzzzzzzz";

export async function optionFuzzing({ times }) {
  const figures = {
    tried: 0,
    refused: 0,
    accepted: 0,
    untyped: 0,
    wrongName: 0,
    undocumented: 0,
    tooStrict: 0,
    names: 0,
  };
  const notInTable = new Set();
  const complain = (kind, what) => {
    figures[kind] += 1;
    console.log(`  ${kind}: ${what}`);
  };
  for (let round = 0; round < times; round += 1) {
    for (const { owner, options, inside, unknown = [], use } of TABLES) {
      for (const [name, accepts] of Object.entries(options)) {
        for (const [label, value] of WRONG_VALUES) {
          figures.tried += 1;
          const what = `${owner}, ${name}: ${label}`;
          const error = await errorOf(() => use({ [name]: value }));
          const isRefused = error?.code === "INVALID_OPTION";
          if (
            error !== undefined &&
            !(error instanceof MultifrostError) &&
            error.message !== "Nothing is registered."
          ) {
            complain("untyped", `${what}: ${error.stack}`);
          } else if (isRefused !== !accepts(value)) {
            complain(isRefused ? "tooStrict" : "undocumented", `${what}: ${error?.message ?? "accepted"}`);
          } else if (isRefused && !names(error.message, name, inside)) {
            complain("wrongName", `${what}: ${error.message}`);
          } else {
            figures[isRefused ? "refused" : "accepted"] += 1;
          }
        }
      }
      const error = await errorOf(() => use({ [UNKNOWN]: 1 }));
      const listed = /It has (.*)\.$/.exec(error?.message ?? "")?.[1]?.split(", ");
      if (listed === undefined) {
        complain("untyped", `${owner} accepts an unknown name: ${error?.message}`);
      }
      for (const name of listed ?? []) {
        figures.names += 1;
        if (!Object.hasOwn(options, name) && !unknown.includes(name)) {
          notInTable.add(`${owner}: ${name}`);
        }
      }
    }
  }
  for (const name of notInTable) {
    console.log(`  not in chaos/option-tables.mjs: ${name}`);
  }
  return [
    { title: "wrong values for each option", value: WRONG_VALUES.length },
    { title: "options", value: figures.tried / WRONG_VALUES.length / times },
    { title: "tried", value: figures.tried },
    { title: "refused by INVALID_OPTION, which names the option", value: figures.refused },
    { title: "accepted, as documented", value: figures.accepted },
    { title: "accepted against the documents", value: figures.undocumented, most: 0 },
    { title: "refused against the documents", value: figures.tooStrict, most: 0 },
    { title: "other errors, or unknown names accepted", value: figures.untyped, most: 0 },
    { title: "errors that do not name the option", value: figures.wrongName, most: 0 },
    { title: "options without a rule here", value: notInTable.size, most: 0 },
  ];
}

async function errorOf(use) {
  try {
    await use();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Whether a message names the option, or a part of it. The registry's say what it is: "The port of service …". */
function names(message, name, inside) {
  const words = { serviceId: "service id", pid: "pid", port: "port" };
  return (
    message.startsWith(`${name} `) ||
    message.startsWith(`${name}.`) ||
    message.startsWith(`${name} has no option`) ||
    message.startsWith(`The options of ${name} `) ||
    (inside !== undefined && message.startsWith(`${inside}.${name} `)) ||
    message.includes(` in ${name} must be `) ||
    message.includes(words[name] ?? "\0")
  );
}
