/** Colours by role, out of the theme, and how numbers are written on axes. */

export const INK = {
  text: "var(--ink)",
  muted: "var(--ink-muted)",
  rule: "var(--line-strong)",
  paper: "var(--paper)",
} as const;

export const ROLE = {
  model: "var(--model)",
  usual: "var(--ink-muted)",
  shocked: "var(--model)",
  reference: "var(--reference)",
  good: "var(--good)",
  bad: "var(--bad)",
  open: "var(--warn)",
} as const;

/** Of ways to lose, one after the other. */
export const MODES = ["var(--model)", "var(--reference)", "var(--good)", "var(--bad)"] as const;

const TYPES = new Map<string, Intl.NumberFormat>();

/** Writes fractions as percent, with a true minus sign. */
export function percent(digits: number): (value: number) => string {
  return (value) => `${fixed(100 * value, digits)} %`;
}

/** Ticks as percent: with a digit behind the point where they stand less than a percent apart. */
export function percentTicks(value: number, _: number, all: readonly number[] = []): string {
  const [first = 0, second = first + 1] = all;
  return percent(Math.abs(second - first) < 0.0099 ? 1 : 0)(value);
}

/** A number with so many digits behind the point, a true minus sign and no negative zero. */
export function fixed(value: number, digits: number): string {
  const key = String(digits);
  const format =
    TYPES.get(key) ??
    new Intl.NumberFormat("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  TYPES.set(key, format);
  const written = format.format(Math.abs(value));
  return value < 0 && /[1-9]/.test(written) ? `\u2212${written}` : written;
}

/** A p-value as people write it. */
export function pValue(p: number): string {
  return p < 0.001 ? "< 0.001" : fixed(p, 3);
}

/** A condition as the library writes it, with the signs of print. */
export function spoken(text: string): string {
  return text.replaceAll("<=", "≤").replaceAll(">=", "≥").replaceAll(/(^|[\s(])-(?=[\d.])/g, "$1\u2212");
}
