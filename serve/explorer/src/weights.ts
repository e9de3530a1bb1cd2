/** The portfolio in the address: `AAPL:0.5,MSFT:0.5`; empty for equal weights. */

import { useUrlState } from "./state";

export function usePortfolio(): [Record<string, number> | null, string, (text: string) => void] {
  const [text, setText] = useUrlState<string>("weights", "");
  return [parsed(text), text, setText];
}

export function parsed(text: string): Record<string, number> | null {
  const pairs = text
    .split(/[,;\s]+/)
    .filter(Boolean)
    .map((part) => part.split(/[:=]/));
  if (!pairs.length) return null;
  return Object.fromEntries(pairs.map(([asset, weight]) => [asset, Number(weight)]));
}
