/** How many violations a true forecaster has: the central 95 % of a binomial law. */
export function binomialRange(n: number, p: number): [number, number] {
  let cumulative = 0;
  let low: number | null = null;
  for (let k = 0; k <= n; k += 1) {
    cumulative += Math.exp(logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p));
    if (low === null && cumulative > 0.025) low = k;
    if (cumulative >= 0.975) return [low ?? 0, k];
  }
  return [low ?? 0, n];
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

const logFactorials: number[] = [0];

function logFactorial(n: number): number {
  for (let i = logFactorials.length; i <= n; i += 1) {
    logFactorials.push((logFactorials[i - 1] ?? 0) + Math.log(i));
  }
  return logFactorials[n] ?? 0;
}
