/** A promise with its two functions. `Promise.withResolvers` needs Node 22. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;

  constructor() {
    let onResolve: (value: T) => void = () => {};
    let onReject: (error: unknown) => void = () => {};
    this.promise = new Promise<T>((resolve, reject) => {
      onResolve = resolve;
      onReject = reject;
    });
    this.resolve = onResolve;
    this.reject = onReject;
  }
}
