/** A figure and what is known of its error, as the library writes it. */
export interface EstimateRecord {
  estimate: number | null;
  /** What another seed would move it by; null where `note` says why there is none. */
  mc_se: number | null;
  /** What another training would move it by; null of a single law. */
  model_se: number | null;
  /** 95 %, by Monte Carlo alone. */
  ci: [number, number] | null;
  n: number;
  ess?: number | null;
  note?: string;
}

/** Both errors together. */
export function totalError(figure: EstimateRecord): number | null {
  if (figure.mc_se === null) return null;
  return Math.hypot(figure.mc_se, figure.model_se ?? 0);
}

/** The 95 % interval with the error of training in it; null without an error. */
export function interval(figure: EstimateRecord): [number, number] | null {
  if (figure.estimate === null || figure.mc_se === null) return null;
  const reach = 1.96 * (figure.model_se ?? 0);
  const [low, high] = figure.ci ?? [
    figure.estimate - 1.96 * figure.mc_se,
    figure.estimate + 1.96 * figure.mc_se,
  ];
  return [
    figure.estimate - Math.hypot(figure.estimate - low, reach),
    figure.estimate + Math.hypot(high - figure.estimate, reach),
  ];
}
