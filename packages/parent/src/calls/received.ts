// The type of a value that has crossed the wire: the table of values in docs/protocol.md, in types.

/**
 * A value of type `V` as it arrives on the other side.
 *
 * | sent                                                              | arrives as                                     |
 * | ----------------------------------------------------------------- | ---------------------------------------------- |
 * | text, numbers, booleans, `null`, `Date`, `unknown`, `any`         | the same                                       |
 * | `undefined`                                                       | the same, but `null` as an item of an array    |
 * | `bigint`                                                          | `number` where it is a safe integer, `bigint`  |
 * | arrays, tuples                                                    | the same, with their items as they arrive      |
 * | `Set`                                                             | an array                                       |
 * | `Map`                                                             | an object with text keys                       |
 * | typed arrays, `Buffer`, `DataView`, `ArrayBuffer`                 | `Uint8Array`                                   |
 * | `Error`                                                           | an object with `name`, `message` and `stack`   |
 * | objects with `toJSON`, such as `URL`                              | what `toJSON` returns                          |
 * | other objects, class instances                                    | their public properties, without the functions |
 * | functions, symbols, promises, weak collections, Maps keyed by one | `never`: they cannot be sent                   |
 * | `RegExp`, `Headers`, `Blob`, iterators, streams, `AbortSignal`, … | `never`                                        |
 *
 * Types cannot tell a getter from a field, so a getter of a class is in the type although it does not arrive.
 */
export type Received<V> = Arriving<V, true>;

/**
 * `Named` says whether an object that arrives unchanged keeps its name, for editors to show. To find out, its fields are
 * compared with those that arrive, and there `Named` is `false`: with names, a type that refers to itself has no end.
 */
type Arriving<V, Named extends boolean> = unknown extends V
  ? V
  : V extends string | number | boolean | null | Date
    ? V
    : V extends void
      ? V
      : V extends bigint
        ? number | bigint
        : V extends symbol | AnyFunction
          ? never
          : V extends readonly unknown[]
            ? ArrivingArray<V, Named>
            : V extends ArrayBufferView | ArrayBuffer
              ? Uint8Array
              : V extends Error
                ? ArrivingObject<V, Named>
                : V extends { toJSON(key?: string): infer Json }
                  ? Arriving<Json, Named>
                  : V extends LikeMap
                    ? never
                    : V extends ReadonlyMap<infer K, infer Value>
                      ? ArrivingMap<K, Value, Named>
                      : V extends ReadonlySet<infer Item>
                        ? ArrivingItem<Item, Named>[]
                        : V extends InOneProcess
                          ? never
                          : ArrivingObject<V, Named>;

type AnyFunction = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown);

/** Objects that mean nothing in another process. */
type InOneProcess =
  | PromiseLike<unknown>
  | WeakMap<object, unknown>
  | WeakSet<object>
  | RegExp
  | Iterator<unknown, unknown, never>
  | AsyncIterator<unknown, unknown, never>
  | Global<
      | "WeakRef"
      | "SharedArrayBuffer"
      | "Blob"
      | "Request"
      | "Response"
      | "ReadableStream"
      | "WritableStream"
      | "TransformStream"
      | "AbortController"
      | "AbortSignal"
    >;

/** The same, with the methods of a Map. */
type LikeMap = Global<"URLSearchParams" | "Headers" | "FormData">;

/** Instances of a global class, or `never` in projects whose `lib` and `types` do not have it. */
type Global<Name extends string> = Name extends unknown
  ? typeof globalThis extends { [N in Name]: { prototype: infer Instance } }
    ? Instance
    : never
  : never;

type ArrivingItem<V, Named extends boolean> = unknown extends V ? V : V extends void ? null : Arriving<V, Named>;

/** Arrays of one item type are no mapped types, which TypeScript resolves at once: `type Json = Json[] | …` has no end. */
type ArrivingArray<V extends readonly unknown[], Named extends boolean> = V extends (infer Item)[]
  ? Item[] extends V
    ? ArrivingItem<Item, Named>[]
    : ArrivingTuple<V, Named>
  : V extends readonly (infer Item)[]
    ? readonly Item[] extends V
      ? readonly ArrivingItem<Item, Named>[]
      : ArrivingTuple<V, Named>
    : never;

/** A subclass of Array with fields, such as `RegExpMatchArray`, arrives without them. */
type ArrivingTuple<V extends readonly unknown[], Named extends boolean> = [
  Exclude<keyof V, keyof unknown[] | `${number}`>,
] extends [never]
  ? { [I in keyof V]: ArrivingItem<Required<V>[I], Named> }
  : ArrivingItem<V[number], Named>[];

/** A key is sent as its text, which objects, functions and symbols do not have. */
type ArrivingMap<K, V, Named extends boolean> = unknown extends K
  ? { [key: string]: Arriving<V, Named> }
  : [K] extends [string | number | bigint | boolean | null | undefined]
    ? { [key: string]: Arriving<V, Named> }
    : never;

/** An Error differs from data with a name and a message by its `stack`. */
type ArrivingObject<V, Named extends boolean> = V extends { readonly name: string; readonly message: string }
  ? "stack" extends keyof V
    ? { name: string; message: string; stack?: string }
    : ArrivingNamed<V, Named>
  : ArrivingNamed<V, Named>;

type ArrivingNamed<V, Named extends boolean> = Named extends false
  ? ArrivingFields<V, false>
  : Same<V, ArrivingFields<V, false>> extends true
    ? V
    : ArrivingFields<V, true>;

/** `object` says nothing about fields and stays. */
type ArrivingFields<V, Named extends boolean> = [keyof V, object] extends [never, V]
  ? V
  : { [K in keyof V as FieldName<V, K>]: Arriving<V[K], Named> };

/** `K` where it is text and its value is more than a function, else `never`. */
type FieldName<V, K extends keyof V> = K extends string | number
  ? [Exclude<V[K], undefined>] extends [never]
    ? K
    : Exclude<V[K], undefined> extends AnyFunction
      ? never
      : K
  : never;

/** Whether two types are one and the same, which is more than that each can be assigned to the other. */
export type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
