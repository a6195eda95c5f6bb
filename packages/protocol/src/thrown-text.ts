/** What stands for a thrown value, or a part of it, that cannot be read. */
export const UNREADABLE = "The method threw a value that cannot be read.";

/** A property of a thrown value; `undefined` where a getter or a proxy throws. */
export function readPart(thrown: object, key: PropertyKey): unknown {
  try {
    return Reflect.get(thrown, key);
  } catch {
    return undefined;
  }
}

/** Whether a value is an error, also of another realm. Never throws. */
export function isError(value: unknown): boolean {
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
  } catch {
    return false;
  }
}

/**
 * The text of a thrown value: its message if it has one that is text, otherwise the value itself if it is no object.
 * `undefined` for objects without a message. Never throws.
 */
export function textOfThrown(thrown: unknown): string | undefined {
  if (typeof thrown === "string") {
    return thrown;
  }
  if (typeof thrown === "function") {
    const name = readPart(thrown, "name");
    return typeof name === "string" && name !== "" ? `[Function: ${name}]` : "[Function]";
  }
  if (typeof thrown !== "object" || thrown === null) {
    return String(thrown);
  }
  try {
    const message = Reflect.get(thrown, "message");
    return message !== null && message !== undefined && typeof message !== "object" ? textOfThrown(message) : undefined;
  } catch {
    return UNREADABLE;
  }
}
