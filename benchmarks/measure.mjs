// How times become figures: repetitions in turn, each repetition one number, then the median and the spread of them.

/** How long each contender runs before anything counts, in milliseconds: the compiler is done by then. */
const WARM_UP_MS = 600;

/** Makes round trips one after the other for so many milliseconds; the median in microseconds. */
export async function medianOfRoundTrips(roundTrip, ms) {
  const micros = [];
  const end = performance.now() + ms;
  for (let before = performance.now(); before < end; ) {
    await roundTrip();
    const after = performance.now();
    micros.push((after - before) * 1000);
    before = after;
  }
  return middle(micros);
}

/** Calls answered per second, each answer followed by the next call. */
export async function rateOfCalls(call, inFlight, ms) {
  const begin = performance.now();
  const end = begin + ms;
  let answered = 0;
  const lane = async () => {
    while (performance.now() < end) {
      await call();
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (answered / (performance.now() - begin)) * 1000;
}

/**
 * Measures both in turn, A B A B …, so that whatever else the machine does meets both. The ratio is taken within each
 * pair, as the two halves of a pair are closest in time.
 */
export async function interleave({ multifrost, bare }, repetitions, ms, measure) {
  await measure(multifrost, WARM_UP_MS);
  await measure(bare, WARM_UP_MS);
  const pairs = [];
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    pairs.push({ multifrost: await measure(multifrost, ms), bare: await measure(bare, ms) });
  }
  return {
    multifrost: spread(pairs.map((pair) => pair.multifrost)),
    bare: spread(pairs.map((pair) => pair.bare)),
    ratio: spread(pairs.map((pair) => pair.multifrost / pair.bare)),
  };
}

/** Median, least and most. */
export function spread(values) {
  return { median: middle(values), min: Math.min(...values), max: Math.max(...values) };
}

function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
