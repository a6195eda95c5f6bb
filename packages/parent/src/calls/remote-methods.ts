// The types of `worker.call`: the worker's methods as their caller sees them. Types only; nothing here runs.

import type { CallOptions } from "../options.js";
import type { Received, Same } from "./received.js";

/** A worker without a described type: any name can be called, and the result is `unknown`. */
export interface AnyWorker {
  [name: string]: (...args: unknown[]) => unknown;
}

/**
 * The methods of a worker of type `T`, as async functions.
 *
 * `T` is the worker's class, or an interface of its methods. Each method keeps its documentation and its place in the
 * worker's source, so that an editor shows the one and goes to the other.
 *
 * - Arguments are what the method declares.
 * - A result is typed as it arrives: see {@link Received}.
 * - A method that returns a promise of a value that arrives unchanged keeps its type, with generics and overloads. Any
 *   other method becomes `(...args) => Promise<…>`: up to four overloads stay, type parameters become their constraints.
 *   A type parameter stands for what the caller says, also where that arrives as something else.
 *
 * Left out are names that the worker refuses (`_private` ones, those of `ChildWorker` and those that every object has),
 * and names that test runners read from any object. A test can put a mock in a method's place.
 *
 * In a class that extends `ChildWorker` a property that holds a function (`scale = (x: number) => x * 2`) cannot be
 * called, only methods can (`scale(x: number) { return x * 2; }`). Its type is {@link FunctionProperty}, which says so.
 * TypeScript tells the two apart by how it compares parameters, which leaves a gap: these properties look like methods,
 * and calling them is refused at run time with `NOT_CALLABLE`:
 *
 * - a function without parameters, unless the property is `readonly`
 * - `(...args: any[]) => any`, and functions whose parameters are all of type `never`
 * - every function property where the caller's project turns `strictFunctionTypes` off
 */
export type RemoteMethods<T> = { -readonly [K in keyof T as CallableName<T, K>]: RemoteMember<T, K> };

/** `worker.call`: the worker's methods, and `withOptions`, which hides a remote method of that name. */
export type CallProxy<T> = {
  -readonly [K in keyof T as Exclude<CallableName<T, K>, "withOptions">]: RemoteMember<T, K>;
} & {
  /** The same methods, each call with these options. Other chains keep theirs. */
  withOptions(options: CallOptions): RemoteMethods<T>;
};

/** The type of a property that holds a function. It has no call signature, so that a call shows `Reason`. */
export interface FunctionProperty<Reason extends string> {
  readonly notCallable: Reason;
}

type AnyMethod = (...args: never[]) => unknown;

/** Names of `ChildWorker` itself. */
type BaseName = "run" | "start" | "stop" | "listFunctions" | "namespace" | "serviceId";

/** Names that programs read from any object. They are no methods of `worker.call`, so that it can be awaited and printed. */
type ObjectName =
  | "then"
  | "toJSON"
  | "asymmetricMatch"
  | "hasAttribute"
  | "nodeType"
  | "constructor"
  | keyof typeof Object.prototype
  | `$$${string}`
  | `@@${string}`;

/** `K` where it names a method that can be called from outside, else `never`. */
type CallableName<T, K extends keyof T> = K extends string
  ? K extends BaseName | ObjectName | `_${string}`
    ? never
    : T[K] extends AnyMethod
      ? K
      : never
  : never;

type RemoteMember<T, K extends keyof T> = T extends ChildWorkerLike
  ? IsFunctionProperty<T, K> extends true
    ? FunctionProperty<RefusalReason<K & string>>
    : Remote<T[K]>
  : Remote<T[K]>;

/** What the worker says when such a property is called all the same. */
type RefusalReason<Name extends string> =
  `'${Name}' is a function property, not a method: write ${Name}() { … } in the class to make it callable`;

/** What tells a class that extends `ChildWorker` from an interface written by hand. */
interface ChildWorkerLike {
  readonly namespace: string;
  readonly serviceId: string | undefined;
  run(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  listFunctions(): string[];
}

/**
 * Whether a member is a property that holds a function. TypeScript compares the parameters of methods in both
 * directions and those of function types in one: a function that accepts nothing (`never`) can stand for a method, but
 * not for a property. Where there are no parameters to compare, a `readonly` member is no method.
 */
type IsFunctionProperty<T, K extends keyof T> = ((...args: unknown[]) => never) extends T[K]
  ? ((...args: never[]) => never) extends T[K]
    ? IsReadonly<T, K>
    : true
  : false;

type IsReadonly<T, K extends keyof T> =
  Same<{ [P in K]: T[P] }, { -readonly [P in K]: T[P] }> extends true ? false : true;

/**
 * The method itself where all its results are promises that arrive unchanged, else its signatures with other results.
 * One that declares `this` is not itself, as no caller has that `this`.
 */
type Remote<F> =
  Results<F> extends infer R
    ? [IsPromise<R>, unknown] extends [true, ThisParameterType<F>]
      ? Same<Awaited<R>, Received<Awaited<R>>> extends true
        ? F
        : Rebuilt<F>
      : Rebuilt<F>
    : never;

/** The results of a method, of its last four overloads together. */
type Results<F> = F extends {
  (...args: never[]): infer R;
  (...args: never[]): infer R;
  (...args: never[]): infer R;
  (...args: never[]): infer R;
}
  ? R
  : never;

/** `any` and `never` are no promises here, although each can be assigned to one. */
type IsPromise<R> = [R] extends [never]
  ? false
  : 0 extends 1 & R
    ? false
    : [R] extends [Promise<unknown>]
      ? true
      : false;

/**
 * The signatures of a method, with results as they arrive. TypeScript infers four: the last four, or with fewer, the
 * first one again and again. Joined as an intersection, so that a call's definition is the method's alone.
 */
type Rebuilt<F> = F extends {
  (...args: infer A1): infer R1;
  (...args: infer A2): infer R2;
  (...args: infer A3): infer R3;
  (...args: infer A4): infer R4;
}
  ? Same<[A3, R3], [A4, R4]> extends true
    ? (...args: A4) => Arrival<R4>
    : Same<[A2, R2], [A3, R3]> extends true
      ? ((...args: A3) => Arrival<R3>) & ((...args: A4) => Arrival<R4>)
      : Same<[A1, R1], [A2, R2]> extends true
        ? ((...args: A2) => Arrival<R2>) & ((...args: A3) => Arrival<R3>) & ((...args: A4) => Arrival<R4>)
        : ((...args: A1) => Arrival<R1>) &
            ((...args: A2) => Arrival<R2>) &
            ((...args: A3) => Arrival<R3>) &
            ((...args: A4) => Arrival<R4>)
  : never;

/** The promise of a result. A conditional type, so that editors show the promise and not the name `Arrival`. */
type Arrival<R> = [R] extends [infer Result] ? Promise<Received<Awaited<Result>>> : never;
