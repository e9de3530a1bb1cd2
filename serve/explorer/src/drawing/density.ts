/** A smooth density out of quantiles, with the error that so few effective paths leave. */

export interface DensityPoint {
  x: number;
  density: number;
  low: number;
  high: number;
}

const N_POINTS = 121;
const N_DRAWS = 400;
/** Integral of the squared normal kernel. */
const ROUGHNESS = 1 / (2 * Math.sqrt(Math.PI));

/** Quantile function, straight between the known levels and flat beyond them. */
export function quantileAt(levels: readonly number[], values: readonly number[], p: number): number {
  const last = levels.length - 1;
  const above = levels.findIndex((level) => level >= p);
  if (above === 0) return values[0] ?? Number.NaN;
  if (above < 0) return values[last] ?? Number.NaN;
  const [p0, p1] = [levels[above - 1] ?? 0, levels[above] ?? 1];
  const [q0, q1] = [values[above - 1] ?? 0, values[above] ?? 0];
  return q0 + ((q1 - q0) * (p - p0)) / (p1 - p0);
}

/**
 * Kernel density of the law that quantiles describe.
 *
 * The band is 1.96 standard errors of a kernel estimate, sqrt(f R(K) / (n h)), at the width that a
 * sample of `effective` paths asks for (Silverman 1986, equation 3.31).
 */
export function densityOf(
  levels: readonly number[],
  values: readonly number[],
  effective: number,
): DensityPoint[] {
  const draws = Array.from({ length: N_DRAWS }, (_, i) =>
    quantileAt(levels, values, (i + 0.5) / N_DRAWS),
  );
  const width = bandwidth(draws, effective);
  const low = (draws[0] ?? 0) - 2 * width;
  const high = (draws[N_DRAWS - 1] ?? 0) + 2 * width;
  return Array.from({ length: N_POINTS }, (_, i) => {
    const x = low + ((high - low) * i) / (N_POINTS - 1);
    const density = mean(draws.map((draw) => normal((x - draw) / width) / width));
    const reach = 1.96 * Math.sqrt((density * ROUGHNESS) / (effective * width));
    return { x, density, low: Math.max(0, density - reach), high: density + reach };
  });
}

function bandwidth(draws: readonly number[], effective: number): number {
  const centre = mean(draws);
  const spread = Math.sqrt(mean(draws.map((draw) => (draw - centre) ** 2)));
  const quartiles =
    ((draws[Math.floor(0.75 * N_DRAWS)] ?? 0) - (draws[Math.floor(0.25 * N_DRAWS)] ?? 0)) / 1.349;
  const scale = quartiles > 0 ? Math.min(spread, quartiles) : spread;
  return Math.max(0.9 * scale * effective ** -0.2, 1e-9);
}

function normal(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
