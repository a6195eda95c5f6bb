// A circuit for each method that fails. What a method throws says something about this method, and nothing about the
// worker's others.

import {
  type Admission,
  type CallTicket,
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitChange,
} from "./circuit-breaker.js";

/** Methods that fail at the same time and are remembered; beyond, the one that failed first is forgotten. */
const MOST_METHODS = 1_000;

/** Options of {@link MethodCircuits}: those of each circuit. */
export interface MethodCircuitsOptions extends Omit<CircuitBreakerOptions, "onChange"> {
  /** Called after each change of a circuit's state. Must not throw. */
  onChange?: (change: CircuitChange, method: string) => void;
}

/**
 * A {@link CircuitBreaker} for each method whose latest calls failed. A method that succeeds has none, so a worker without
 * failures costs nothing.
 *
 * Ask `admit` before each call, and report its outcome with `success`, `failure` or `ignored` and what `admit` returned.
 */
export class MethodCircuits {
  readonly #options: MethodCircuitsOptions;
  readonly #circuits = new Map<string, CircuitBreaker>();

  constructor(options: MethodCircuitsOptions) {
    this.#options = options;
  }

  /** Methods whose latest calls failed. */
  get size(): number {
    return this.#circuits.size;
  }

  /** Admits or refuses a call. `undefined`: admitted, as the method's latest call did not fail. */
  admit(method: string): Admission | undefined {
    return this.#circuits.get(method)?.admit();
  }

  /** The call succeeded. */
  success(method: string, admission: Admission | undefined): void {
    const circuit = this.#circuits.get(method);
    const ticket = circuit && ticketOf(circuit, admission);
    if (ticket !== undefined) {
      circuit?.success(ticket);
      if (circuit?.failures === 0) {
        this.#circuits.delete(method);
      }
    }
  }

  /** The method threw. */
  failure(method: string, admission: Admission | undefined): void {
    const circuit = this.#circuits.get(method) ?? this.#add(method);
    const ticket = ticketOf(circuit, admission);
    if (ticket !== undefined) {
      circuit.failure(ticket);
    }
  }

  /** The outcome says nothing about the method. */
  ignored(method: string, admission: Admission | undefined): void {
    if (admission?.admitted === true) {
      this.#circuits.get(method)?.ignored(admission);
    }
  }

  /** Closes every circuit and forgets all failures. */
  close(reason: string): void {
    for (const [method, circuit] of this.#circuits) {
      this.#circuits.delete(method);
      circuit.close(reason);
    }
  }

  #add(method: string): CircuitBreaker {
    const [first] = this.#circuits.keys();
    if (first !== undefined && this.#circuits.size >= MOST_METHODS) {
      this.#circuits.delete(first);
    }
    const { onChange, ...options } = this.#options;
    const circuit = new CircuitBreaker({ ...options, onChange: (change) => onChange?.(change, method) });
    this.#circuits.set(method, circuit);
    return circuit;
  }
}

/**
 * A call that was made before the method began to fail has no ticket: it counts like the others while the circuit is closed, and no
 * longer once it has opened.
 */
function ticketOf(circuit: CircuitBreaker, admission: Admission | undefined): CallTicket | undefined {
  const own = admission ?? (circuit.state === "closed" ? circuit.admit() : undefined);
  return own?.admitted === true ? own : undefined;
}
