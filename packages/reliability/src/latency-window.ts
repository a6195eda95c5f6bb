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
 * Buckets grow by this factor, so that the middle of a bucket is at most 1 % away from everything in it. They go from 1 µs to one
 * hour; a longer latency counts as one hour in percentiles.
 */
const GROWTH = 1.0198;
const LOG_GROWTH = Math.log(GROWTH);
const LONGEST_US = 3_600_000_000;
const BUCKETS = bucketOf(LONGEST_US) + 1;

/**
 * Latencies of the last minute, at constant cost per call and in bounded memory. Average, minimum and maximum are exact,
 * percentiles exact to 1 %.
 */
export class LatencyWindow {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  readonly #slices: readonly Slice[] = Array.from({ length: SLICES }, () => new Slice());
  readonly #merged = new Slice();
  #last: number | null = null;

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
    return { ...this.#merged.summary(), last: this.#last };
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
  /** How many latencies are in each bucket. Created when first needed: 4.5 kB, a sixth of Node's histogram as exact as this. */
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
    this.#buckets[bucketOf(Math.min(LONGEST_US, Math.max(1, latencyMs * 1000)))]! += 1;
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
    return Math.min(this.#max, Math.max(this.#min, GROWTH ** (index + 0.5) / 1000));
  }
}

function bucketOf(microseconds: number): number {
  return Math.floor(Math.log(microseconds) / LOG_GROWTH);
}
