// First in, first out, at constant cost whatever its length: `Array.shift` moves every item of a long array.

/** A queue. `take` may only be asked for while `length` is not 0. */
export interface Queue<T> {
  readonly length: number;
  add(item: T): void;
  take(): T;
}

/** Items that may have been taken before the room they left is given back. */
const MAX_TAKEN = 1024;

/** Makes an empty queue. */
export function createQueue<T>(): Queue<T> {
  let items: (T | undefined)[] = [];
  let taken = 0;
  return {
    get length() {
      return items.length - taken;
    },
    add(item) {
      items.push(item);
    },
    take() {
      const item = items[taken] as T;
      items[taken++] = undefined;
      if (taken > MAX_TAKEN && taken * 2 > items.length) {
        items = items.slice(taken);
        taken = 0;
      }
      return item;
    },
  };
}
