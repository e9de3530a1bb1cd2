import { type Kind, SIGNS, type Typed } from "../shocks";

interface Props {
  shocks: Typed[];
  assets: readonly string[];
  horizon: number;
  onChange: (shocks: Typed[]) => void;
}

const MOST = 6;
const WORDS: Record<Kind, string> = {
  value: "moves by",
  at_most: "falls to or below",
  at_least: "rises to or above",
};

/** One row a shock: which asset, which way, how far, within how many steps. */
export function ShockEditor({ shocks, assets, horizon, onChange }: Props) {
  const replace = (i: number, part: Partial<Typed>) =>
    onChange(shocks.map((shock, k) => (k === i ? { ...shock, ...part } : shock)));
  const free = assets.find((asset) => shocks.every((shock) => shock.asset !== asset));
  return (
    <fieldset class="shocks">
      <legend>What happens</legend>
      {shocks.map((shock, i) => (
        <ShockRow
          key={i}
          shock={shock}
          number={i + 1}
          assets={assets}
          horizon={horizon}
          onChange={(part) => replace(i, part)}
          onRemove={shocks.length > 1 ? () => onChange(shocks.filter((_, k) => k !== i)) : null}
        />
      ))}
      {free && shocks.length < MOST && (
        <button
          type="button"
          class="quiet"
          onClick={() => onChange([...shocks, { asset: free, kind: "at_most", move: -0.05, over: 5 }])}
        >
          + and also…
        </button>
      )}
    </fieldset>
  );
}

interface RowProps {
  shock: Typed;
  number: number;
  assets: readonly string[];
  horizon: number;
  onChange: (part: Partial<Typed>) => void;
  onRemove: (() => void) | null;
}

function ShockRow({ shock, number, assets, horizon, onChange, onRemove }: RowProps) {
  const named = `shock ${number}`;
  const percent = Math.round(1000 * shock.move) / 10;
  const setPercent = (event: Event) => {
    const value = (event.currentTarget as HTMLInputElement).valueAsNumber;
    if (Number.isFinite(value)) onChange({ move: Math.round(value * 10) / 1000 });
  };
  return (
    <div class="shock-row">
      <div class="shock-words">
        <select
          aria-label={`Asset of ${named}`}
          value={shock.asset}
          onChange={(event) => onChange({ asset: event.currentTarget.value })}
        >
          {assets.map((asset) => (
            <option key={asset} value={asset}>
              {asset}
            </option>
          ))}
        </select>
        <select
          aria-label={`Kind of ${named}`}
          value={shock.kind}
          onChange={(event) => onChange({ kind: event.currentTarget.value as Kind })}
        >
          {(Object.keys(SIGNS) as Kind[]).map((kind) => (
            <option key={kind} value={kind}>
              {WORDS[kind]}
            </option>
          ))}
        </select>
        {onRemove && (
          <button type="button" class="quiet icon" aria-label={`Remove ${named}`} onClick={onRemove}>
            ×
          </button>
        )}
      </div>
      <div class="shock-slide">
        <input
          type="range"
          min="-40"
          max="40"
          step="0.5"
          value={percent}
          aria-label={`Move of ${shock.asset}, percent`}
          aria-valuetext={`${percent} percent`}
          onInput={setPercent}
        />
        <span class="with-unit">
          <input
            type="number"
            min="-99"
            max="500"
            step="0.5"
            value={percent}
            aria-label={`Move of ${shock.asset} in percent, typed`}
            onChange={setPercent}
          />
          %
        </span>
        <span class="with-unit">
          within
          <input
            type="number"
            min="1"
            max={horizon}
            value={Math.min(shock.over, horizon)}
            aria-label={`Steps of ${named}`}
            onChange={(event) => {
              const over = event.currentTarget.valueAsNumber;
              if (over >= 1) onChange({ over: Math.min(horizon, Math.round(over)) });
            }}
          />
          days
        </span>
      </div>
    </div>
  );
}
