import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
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

/** Histograms count microseconds from 1 to one hour, exact to 1 %. A longer latency counts as one hour in percentiles. */
const HISTOGRAM = { lowest: 1, highest: 3_600_000_000, figures: 2 };

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
  /** Created when first needed: each takes about 30 kB, which an idle worker does not pay. */
  #histogram: RecordableHistogram | undefined;

  clear(epoch: number): void {
    this.#histogram?.reset();
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
    this.#histogram ??= createHistogram(HISTOGRAM);
    this.#histogram.record(Math.min(HISTOGRAM.highest, Math.max(HISTOGRAM.lowest, Math.round(latencyMs * 1000))));
  }

  merge(other: Slice): void {
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    if (other.#histogram !== undefined) {
      this.#histogram ??= createHistogram(HISTOGRAM);
      this.#histogram.add(other.#histogram);
    }
  }

  summary(): Omit<LatencySummary, "last"> {
    const histogram = this.#histogram;
    if (this.#count === 0 || histogram === undefined) {
      return { avg: null, min: null, max: null, p50: null, p95: null, p99: null };
    }
    const [min, max] = [this.#min, this.#max];
    // A bucket's edge may lie outside of what was measured.
    const percentile = (rank: number): number => Math.min(max, Math.max(min, histogram.percentile(rank) / 1000));
    return { avg: this.#sum / this.#count, min, max, p50: percentile(50), p95: percentile(95), p99: percentile(99) };
  }
}
