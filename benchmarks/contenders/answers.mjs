// Matches answers to calls, for contenders that send messages and leave that to their users.

export class Answers {
  #waiting = new Map();
  #lastId = 0;

  /** Sends what `send(id)` sends, and resolves with the answer to it. */
  to(send) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      send(id);
    });
  }

  /** Settles the call that an answer belongs to. */
  arrived({ id, result, error }) {
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) {
      call.resolve(result);
    } else {
      call.reject(new Error(error));
    }
  }
}

/** The answer to a call `{ id, method, args }`. */
export async function answer(methods, { id, method, args }) {
  try {
    return { id, result: await methods[method](...args) };
  } catch (error) {
    return { id, error: error.message };
  }
}
