// The whole registry as text: split into entries and joined again without touching what we do not understand.
// Next: registry-file.ts, which reads and replaces the file that holds this text.

/**
 * Service id to the JSON text of its entry.
 *
 * A map, so that `__proto__` and `constructor` are ids like any other. Text, so that what others wrote stays as it is to
 * the last digit: going through JavaScript values would round integers from 2^53 on and turn Python's `1.0` into `1`.
 */
export type Services = Map<string, string>;

/** JSON's tokens: a string, a mark, or a run of anything else but white space (number, `true`, `false`, `null`). */
const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Splits the text into its entries; `undefined` where it is not JSON or not a map. */
export function parseServices(text: string): Services | undefined {
  return isJsonMap(text) ? splitMembers(text) : undefined;
}

/** Joins the entries to a file's text, one after the other in the map's order. */
export function formatServices(services: Services): string {
  const members = [...services].map(([serviceId, entry]) => `  ${JSON.stringify(serviceId)}: ${entry}`);
  return members.length === 0 ? "{}\n" : `{\n${members.join(",\n")}\n}\n`;
}

function isJsonMap(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Walks over text that is known to be a JSON map. On the first level, a colon starts a value and a comma ends it. */
function splitMembers(text: string): Services {
  const services: Services = new Map();
  let depth = 0;
  let key = "";
  let valueFrom: number | undefined;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (depth === 1 && valueFrom === undefined) {
      if (token === ":") {
        valueFrom = index + 1;
      } else {
        key = token;
      }
    } else if (depth === 1 && (token === "," || token === "}")) {
      services.set(JSON.parse(key) as string, text.slice(valueFrom, index).trim());
      valueFrom = undefined;
    }
    depth += depthChange(token);
  }
  return services;
}

function depthChange(token: string): number {
  if (token === "{" || token === "[") {
    return 1;
  }
  return token === "}" || token === "]" ? -1 : 0;
}
