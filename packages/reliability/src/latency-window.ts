// Latencies of the last minute, at a constant cost per call and in bounded memory, however many calls there are.
// Percentiles come from Node's own HDR histogram. Next: metrics.ts, which puts them into the snapshot.

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Clock } from "./clock.js";

/** What the window tells, in milliseconds. `null` where no call ended within the window: nothing is not zero. */
export interface LatencySummary {
  readonly avg: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** The latest latency, also where it is older than the window; `null` before the first. */
  readonly last: number | null;
}

/** How a window is made. */
export interface LatencyWindowOptions {
  clock: Clock;
  /** How far back it looks, in milliseconds. Default: 60 000. */
  windowMs?: number;
}

/** A sliding window over latencies. */
export interface LatencyWindow {
  record(latencyMs: number): void;
  summary(): LatencySummary;
}

/** The window moves on by one slice at a time, so that it covers between 5/6 and the whole of `windowMs`. */
const SLICES = 6;

/** Histograms count microseconds, from 1 to one hour, exact to 1 %; a longer one counts as an hour in percentiles. */
const HISTOGRAM = { lowest: 1, highest: 3_600_000_000, figures: 2 };

interface Slice {
  /** Which slice of time it holds now; the slot is used again for a later one. */
  epoch: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  /** Made when first needed: about 30 kB each, which an idle worker does not pay. */
  histogram: RecordableHistogram | undefined;
}

/** Makes an empty window. Average, minimum and maximum are exact, percentiles to 1 %. */
export function createLatencyWindow(options: LatencyWindowOptions): LatencyWindow {
  const { clock, windowMs = 60_000 } = options;
  const sliceMs = windowMs / SLICES;
  const slices: readonly Slice[] = Array.from({ length: SLICES }, emptySlice);
  const merged = emptySlice();
  let last: number | null = null;

  return {
    record(latencyMs) {
      const epoch = Math.floor(clock.now() / sliceMs);
      // The remainder of a division by SLICES, a slot that is always there.
      const slice = slices[epoch % SLICES] as Slice;
      if (slice.epoch !== epoch) {
        clear(slice, epoch);
      }
      last = latencyMs;
      add(slice, latencyMs);
    },
    summary() {
      const oldest = Math.floor(clock.now() / sliceMs) - SLICES + 1;
      clear(merged, 0);
      for (const slice of slices) {
        if (slice.epoch >= oldest) {
          merge(merged, slice);
        }
      }
      return { ...summarize(merged), last };
    },
  };
}

function emptySlice(): Slice {
  return { epoch: -Infinity, count: 0, sum: 0, min: Infinity, max: -Infinity, histogram: undefined };
}

function clear(slice: Slice, epoch: number): void {
  slice.histogram?.reset();
  slice.epoch = epoch;
  slice.count = 0;
  slice.sum = 0;
  slice.min = Infinity;
  slice.max = -Infinity;
}

function add(slice: Slice, latencyMs: number): void {
  slice.count += 1;
  slice.sum += latencyMs;
  slice.min = Math.min(slice.min, latencyMs);
  slice.max = Math.max(slice.max, latencyMs);
  slice.histogram ??= createHistogram(HISTOGRAM);
  slice.histogram.record(Math.min(HISTOGRAM.highest, Math.max(HISTOGRAM.lowest, Math.round(latencyMs * 1000))));
}

function merge(into: Slice, { count, sum, min, max, histogram }: Slice): void {
  into.count += count;
  into.sum += sum;
  into.min = Math.min(into.min, min);
  into.max = Math.max(into.max, max);
  if (histogram !== undefined) {
    into.histogram ??= createHistogram(HISTOGRAM);
    into.histogram.add(histogram);
  }
}

function summarize({ count, sum, min, max, histogram }: Slice): Omit<LatencySummary, "last"> {
  if (count === 0 || histogram === undefined) {
    return { avg: null, min: null, max: null, p50: null, p95: null, p99: null };
  }
  // A bucket's edge may lie outside of what was measured.
  const percentile = (rank: number): number => Math.min(max, Math.max(min, histogram.percentile(rank) / 1000));
  return { avg: sum / count, min, max, p50: percentile(50), p95: percentile(95), p99: percentile(99) };
}
