import { freshCriterion, kindOf, METRICS, type Parameter } from "../criteria";
import type { Criterion } from "../records/screen";

interface Props {
  criteria: Criterion[];
  onChange: (criteria: Criterion[]) => void;
}

const MOST = 5;

/** One row a criterion: the figure, its parameter, the limit, how sure it must be. */
export function CriterionEditor({ criteria, onChange }: Props) {
  const unused = METRICS.find((one) => criteria.every((own) => own.metric !== one.name));
  return (
    <fieldset class="criteria">
      <legend class="faint">A candidate passes when all of these hold beyond their errors</legend>
      {criteria.map((criterion, i) => (
        <CriterionRow
          key={i}
          criterion={criterion}
          number={i + 1}
          onChange={(changed) => onChange(criteria.map((one, k) => (k === i ? changed : one)))}
          onRemove={criteria.length > 1 ? () => onChange(criteria.filter((_, k) => k !== i)) : null}
        />
      ))}
      {unused && criteria.length < MOST && (
        <div>
          <button
            type="button"
            class="quiet"
            onClick={() => onChange([...criteria, freshCriterion(unused.name)])}
          >
            + another criterion
          </button>
        </div>
      )}
    </fieldset>
  );
}

interface RowProps {
  criterion: Criterion;
  number: number;
  onChange: (criterion: Criterion) => void;
  onRemove: (() => void) | null;
}

function CriterionRow({ criterion, number, onChange, onRemove }: RowProps) {
  const kind = kindOf(criterion.metric);
  const named = `criterion ${number}`;
  const unit = kind.isShare ? 100 : 1;
  return (
    <div class="criterion">
      <select
        aria-label={`Figure of ${named}`}
        value={criterion.metric}
        onChange={(event) => onChange(freshCriterion(event.currentTarget.value))}
      >
        {METRICS.map((one) => (
          <option key={one.name} value={one.name}>
            {one.title}
          </option>
        ))}
      </select>
      {kind.parameter && (
        <Percent
          words={kind.parameter.title}
          label={`Parameter of ${named}, percent`}
          value={criterion[kind.parameter.key] ?? kind.parameter.initial}
          onChange={(value) => onChange({ ...criterion, [kind.parameter?.key as Parameter]: value })}
        />
      )}
      <select
        aria-label={`Side of ${named}`}
        value={criterion.op}
        onChange={(event) => onChange({ ...criterion, op: event.currentTarget.value as Criterion["op"] })}
      >
        <option value="<=">at most</option>
        <option value=">=">at least</option>
      </select>
      <span class="with-unit">
        <input
          type="number"
          step={kind.isShare ? 1 : 0.05}
          aria-label={`Limit of ${named}${kind.isShare ? ", percent" : ""}`}
          value={rounded(unit * criterion.value)}
          onChange={(event) => {
            const value = event.currentTarget.valueAsNumber;
            if (Number.isFinite(value)) onChange({ ...criterion, value: rounded(value / unit) });
          }}
        />
        {kind.isShare && "%"}
      </span>
      <label class="inline">
        surely at{" "}
        <select
          value={String(criterion.confidence)}
          onChange={(event) => onChange({ ...criterion, confidence: Number(event.currentTarget.value) })}
        >
          {[0.8, 0.9, 0.95, 0.99].map((one) => (
            <option key={one} value={String(one)}>
              {Math.round(100 * one)} %
            </option>
          ))}
        </select>
      </label>
      {onRemove && (
        <button type="button" class="quiet icon" aria-label={`Remove ${named}`} onClick={onRemove}>
          ×
        </button>
      )}
    </div>
  );
}

interface PercentProps {
  words: string;
  label: string;
  value: number;
  onChange: (value: number) => void;
}

function Percent({ words, label, value, onChange }: PercentProps) {
  return (
    <span class="with-unit">
      {words}
      <input
        type="number"
        step="0.5"
        aria-label={label}
        value={rounded(100 * value)}
        onChange={(event) => {
          const typed = event.currentTarget.valueAsNumber;
          if (Number.isFinite(typed)) onChange(rounded(typed / 100));
        }}
      />
      %
    </span>
  );
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
