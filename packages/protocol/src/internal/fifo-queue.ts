/** Items taken before their space is given back. */
const MAX_TAKEN = 1024;

/** First in, first out, at constant cost whatever its length. `Array.shift` moves every item of a long array. */
export class FifoQueue<T> {
  #items: (T | undefined)[] = [];
  #taken = 0;

  get length(): number {
    return this.#items.length - this.#taken;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest item, left in the queue; `undefined` when it is empty. */
  peek(): T | undefined {
    return this.#items[this.#taken];
  }

  /** The oldest item, taken out; `undefined` when it is empty. */
  shift(): T | undefined {
    if (this.#taken === this.#items.length) {
      return undefined;
    }
    const item = this.#items[this.#taken];
    this.#items[this.#taken++] = undefined;
    if (this.#taken > MAX_TAKEN && this.#taken * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return item;
  }
}
