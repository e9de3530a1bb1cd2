/** Shocks as the page holds them, as the URL spells them and as the service takes them. */

export type Kind = "value" | "at_most" | "at_least";

export interface Typed {
  asset: string;
  kind: Kind;
  move: number;
  /** First steps over which the move is cumulative. */
  over: number;
}

export const SIGNS: Record<Kind, string> = { value: "=", at_most: "<=", at_least: ">=" };
const SPELT = /^(.+?)(<=|>=|=)(-?[\d.]+)@(\d+)$/;

/** `AAPL=-0.1@5;JPM<=-0.05@5`. */
export function spell(shocks: readonly Typed[]): string {
  return shocks
    .map(({ asset, kind, move, over }) => `${asset}${SIGNS[kind]}${move}@${over}`)
    .join(";");
}

/** What cannot be read, and assets that the model does not have, are left out. */
export function unspell(text: string, assets: readonly string[]): Typed[] {
  return text.split(";").flatMap((part): Typed[] => {
    const [, asset, sign, move, over] = SPELT.exec(part) ?? [];
    const kind = (Object.keys(SIGNS) as Kind[]).find((one) => SIGNS[one] === sign);
    if (!asset || !kind || !assets.includes(asset)) return [];
    return [{ asset, kind, move: Number(move), over: Math.max(1, Number(over)) }];
  });
}

export function asRequested(shocks: readonly Typed[], horizon: number): object[] {
  return shocks.map(({ asset, kind, move, over }) => ({
    asset,
    kind,
    values: [move],
    over: Math.min(over, horizon),
  }));
}
