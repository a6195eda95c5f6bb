// Whether something grows.

/** The slope of a line through the second half of the points, where everything is warm; per 1,000 steps. */
export function slopePer1000(points) {
  const half = points.slice(points.length >> 1);
  const mean = (index) => half.reduce((sum, point) => sum + point[index], 0) / half.length;
  const [meanAt, meanValue] = [mean(0), mean(1)];
  const above = half.reduce((sum, [at, value]) => sum + (at - meanAt) * (value - meanValue), 0);
  const below = half.reduce((sum, [at]) => sum + (at - meanAt) ** 2, 0);
  return below === 0 ? 0 : (above / below) * 1_000;
}
