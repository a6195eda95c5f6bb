import type { Clock } from "./clock.js";

/** Latencies within a window, in milliseconds. `null` where no call ended within it. */
export interface LatencySummary {
  readonly avg: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** The latest latency, even if it is older than the window; `null` before the first. */
  readonly last: number | null;
}

/** Options of a {@link LatencyWindow}. */
export interface LatencyWindowOptions {
  clock: Clock;
  /** The length of the window, in milliseconds. Default: 60 000. */
  windowMs?: number;
}

/** The window moves on one slice at a time, so it covers between 5/6 and the whole of `windowMs`. */
const SLICES = 6;

/**
 * A bucket holds the latencies that have the exponent and the first 6 bits of the fraction in common, as floats: its middle is at
 * most 0.8 % away from everything in it. Buckets go from 1 µs to one hour; a longer latency counts as one hour in percentiles.
 */
const OTHER_BITS = 14;
const LONGEST_US = 3_600_000_000;
const float = new DataView(new ArrayBuffer(8));
const FIRST_BUCKET = bitsOf(1);
const BUCKETS = bitsOf(LONGEST_US) - FIRST_BUCKET + 1;

/**
 * Latencies of the last minute, at constant cost per call and in bounded memory. Average, minimum and maximum are exact,
 * percentiles exact to 1 %.
 */
export class LatencyWindow {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  readonly #slices: readonly Slice[] = Array.from({ length: SLICES }, () => new Slice());
  readonly #merged = new Slice();
  /** `NaN` before the first: a field that is always a number is changed in place. */
  #last = Number.NaN;

  constructor(options: LatencyWindowOptions) {
    const { clock, windowMs = 60_000 } = options;
    this.#clock = clock;
    this.#sliceMs = windowMs / SLICES;
  }

  /**
   * Adds one latency, in milliseconds.
   *
   * @param now The clock's time, for a caller that has just read it.
   */
  record(latencyMs: number, now: number = this.#clock.now()): void {
    this.#last = latencyMs;
    const epoch = Math.floor(now / this.#sliceMs);
    this.#slices[epoch % SLICES]?.add(latencyMs, epoch);
  }

  /** Summarises the latencies within the window. */
  summary(): LatencySummary {
    const oldest = Math.floor(this.#clock.now() / this.#sliceMs) - SLICES + 1;
    this.#merged.clear(0);
    for (const slice of this.#slices) {
      if (slice.epoch >= oldest) {
        this.#merged.merge(slice);
      }
    }
    return { ...this.#merged.summary(), last: Number.isNaN(this.#last) ? null : this.#last };
  }
}

/** The latencies of one slice of time. */
class Slice {
  /** The number of the slice of time; the object is reused for later ones. */
  epoch = -Infinity;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;
  /** How many latencies are in each bucket. Created when first needed: 8 kB, a third of Node's histogram as exact as this. */
  #buckets: Uint32Array | undefined;

  clear(epoch: number): void {
    this.#buckets?.fill(0);
    this.epoch = epoch;
    this.#count = 0;
    this.#sum = 0;
    this.#min = Infinity;
    this.#max = -Infinity;
  }

  add(latencyMs: number, epoch: number): void {
    if (this.epoch !== epoch) {
      this.clear(epoch);
    }
    this.#count += 1;
    this.#sum += latencyMs;
    this.#min = Math.min(this.#min, latencyMs);
    this.#max = Math.max(this.#max, latencyMs);
    this.#buckets ??= new Uint32Array(BUCKETS);
    this.#buckets[bitsOf(Math.min(LONGEST_US, Math.max(1, latencyMs * 1000))) - FIRST_BUCKET]! += 1;
  }

  merge(other: Slice): void {
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    this.#buckets ??= new Uint32Array(BUCKETS);
    for (const [index, count] of other.#buckets?.entries() ?? []) {
      this.#buckets[index]! += count;
    }
  }

  summary(): Omit<LatencySummary, "last"> {
    if (this.#count === 0) {
      return { avg: null, min: null, max: null, p50: null, p95: null, p99: null };
    }
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((rank) => this.#quantile(rank)) as [number, number, number];
    return { avg: this.#sum / this.#count, min: this.#min, max: this.#max, p50, p95, p99 };
  }

  /** The latency that this share of all latencies does not exceed, in milliseconds. */
  #quantile(share: number): number {
    const rank = Math.ceil(share * this.#count);
    let counted = 0;
    let index = -1;
    while (counted < rank) {
      index += 1;
      counted += this.#buckets?.[index] ?? rank;
    }
    // The middle of a bucket may lie outside of what was measured.
    return Math.min(this.#max, Math.max(this.#min, middleOf(index + FIRST_BUCKET) / 1000));
  }
}

/** The first bits of a positive number: they grow with it. A logarithm takes four times as long. */
function bitsOf(value: number): number {
  float.setFloat64(0, value);
  return float.getUint32(0) >>> OTHER_BITS;
}

/** The middle of the numbers that begin with these bits. */
function middleOf(bits: number): number {
  float.setFloat64(0, 0);
  float.setUint32(0, (bits + 0.5) * 2 ** OTHER_BITS);
  return float.getFloat64(0);
}
