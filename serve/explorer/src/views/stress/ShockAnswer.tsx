import { useMemo } from "preact/hooks";
import type { Answered } from "../../answer_run";
import { Chip, DataTable, Panel, PlotFigure } from "../../components";
import { Analogues } from "../../components/Analogues";
import { EffectivePaths } from "../../components/EffectivePaths";
import { KeyFigure, KeyFigures } from "../../components/KeyFigures";
import { Legend } from "../../components/Legend";
import { Notes } from "../../components/Notes";
import { PlausibilityDial, words } from "../../components/PlausibilityDial";
import { RecordedEstimate } from "../../components/RecordedEstimate";
import { dottedOptions } from "../../drawing/dotted_rows";
import { fixed, ROLE, spoken } from "../../drawing/palette";
import { movesOf, sortedAssets } from "../../drawing/stress_plots";
import type { Comparator, ShockRecord } from "../../records/stress";
import { useUrlState } from "../../state";
import { ShockOverlay } from "./ShockOverlay";

/** What goes with a shock, how plausible it is, and what others say of it. */
export function ShockAnswer({ answered }: { answered: Answered<ShockRecord> }) {
  const { record, question } = answered;
  const { conditional, unconditional, move } = record.portfolio;
  return (
    <>
      <Panel title={`Given ${record.constraints.map((one) => spoken(one.label)).join(" and ")}`}>
        <KeyFigures>
          <KeyFigure
            name="Portfolio, mean"
            beside={
              <>
                else <RecordedEstimate figure={unconditional.mean} />
              </>
            }
          >
            <RecordedEstimate figure={conditional.mean} />
          </KeyFigure>
          <KeyFigure name="It moves by" beside="on the same paths">
            <RecordedEstimate figure={move} />
          </KeyFigure>
          <KeyFigure
            name="Worst 5 % begin at"
            beside={
              <>
                else <RecordedEstimate figure={unconditional.q05} />
              </>
            }
          >
            <RecordedEstimate figure={conditional.q05} />
          </KeyFigure>
          <KeyFigure
            name={`What bites: ${record.bites?.asset ?? "nothing"}`}
            beside={
              record.bites
                ? `${fixed(Math.abs(record.bites.standard_errors), 0)} standard errors from its usual mean`
                : "no other asset moves beyond its error"
            }
          >
            {record.bites ? <RecordedEstimate figure={record.bites.move} /> : "none"}
          </KeyFigure>
        </KeyFigures>
        <ShockOverlay record={record} question={question} />
      </Panel>
      <Plausible record={record} />
      <Moves record={record} />
      <Elsewhere record={record} />
    </>
  );
}

function Plausible({ record }: { record: ShockRecord }) {
  const { plausibility } = record;
  const noise = plausibility.noise_percentile;
  return (
    <Panel
      title="How plausible is it?"
      help={
        <p>
          The dial shows the probability that the model gives to a move at least so far, on a scale
          of powers of ten. It is the model's probability, not the market's. Effective paths are how
          many equal paths the weighted ones are worth: with fewer, errors grow.
        </p>
      }
    >
      <div class="plausible">
        <div>
          <PlausibilityDial probability={plausibility.probability} />
          <p class="dial-words">
            <strong>{words(plausibility.probability.estimate ?? 0)}</strong>{" "}
            <RecordedEstimate figure={plausibility.probability} />
          </p>
          <p class="faint">model-implied: {spoken(plausibility.region)}</p>
        </div>
        <div>
          <EffectivePaths
            ess={record.ess}
            needed={record.request.min_ess}
            drawn={record.n_drawn}
            kept={record.n_paths}
            method={record.method}
          />
          {record.constraints.map((one) => (
            <p key={one.label} class="faint">
              {spoken(one.label)}: reached <RecordedEstimate figure={one.reached} />
              {one.tolerance > 0 && `, paths lie within ${fixed(100 * one.tolerance, 1)} points of it`}
            </p>
          ))}
          {noise !== null && (
            <p class="faint">
              Its noise is at percentile {fixed(100 * noise, 0)} (50 is typical)
              {plausibility.noise_shift !== null &&
                `, ${fixed(plausibility.noise_shift, 1)} standard deviations out`}
              .
            </p>
          )}
        </div>
        <div>
          <h3>Most alike in history</h3>
          <Analogues windows={plausibility.nearest} />
        </div>
      </div>
      <Notes notes={plausibility.warnings} tone="warn" />
      <Notes notes={record.notes} />
    </Panel>
  );
}

function Moves({ record }: { record: ShockRecord }) {
  const names = record.comparators.filter((one) => one.assets !== null).map((one) => one.name);
  const [chosen, setChosen] = useUrlState("beside", "fhs-gjr");
  const beside = names.includes(chosen) ? chosen : null;
  const options = useMemo(
    () =>
      dottedOptions({
        rows: movesOf(record, beside),
        series: [
          { name: "model", tone: ROLE.model },
          ...(beside ? [{ name: beside, tone: ROLE.reference, symbol: "diamond" as const }] : []),
        ],
        label: `mean return over ${record.request.horizon} days →`,
      }),
    [record, beside],
  );
  const assets = sortedAssets(record);
  return (
    <Panel
      title="What each asset does"
      actions={
        <label class="inline">
          beside{" "}
          <select value={beside ?? "none"} onChange={(event) => setChosen(event.currentTarget.value)}>
            <option value="none">nothing</option>
            {names.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      }
    >
      <Legend
        marks={[
          { name: "model, 95 % interval", tone: ROLE.model },
          ...(beside ? [{ name: beside, tone: ROLE.reference, shape: "diamond" as const }] : []),
        ]}
      />
      <PlotFigure
        options={options}
        label={`Mean return of each asset given the shock, ${record.model}`}
        summary={`Worst first, from ${assets[0]} to ${assets[assets.length - 1]}; lines are 95 % intervals of both errors together.`}
      />
      <details class="numbers">
        <summary>Numbers</summary>
        <DataTable
          caption="Each asset given the shock"
          columns={[
            { key: "asset", title: "Asset" },
            { key: "given", title: "Given the shock" },
            { key: "else", title: "Else" },
            { key: "move", title: "Moves by" },
            { key: "adds", title: "Adds to the portfolio" },
          ]}
          rows={assets.map((asset) => ({
            asset,
            given: <RecordedEstimate figure={record.assets[asset]?.conditional.mean} />,
            else: <RecordedEstimate figure={record.assets[asset]?.unconditional.mean} />,
            move: <RecordedEstimate figure={record.assets[asset]?.move} />,
            adds: <RecordedEstimate figure={record.contributions[asset]} missing="not held" />,
          }))}
        />
      </details>
    </Panel>
  );
}

function Elsewhere({ record }: { record: ShockRecord }) {
  const rows = [
    {
      name: <strong>{record.model}</strong>,
      mean: <RecordedEstimate figure={record.portfolio.conditional.mean} />,
      stands: `${fixed(record.ess, 0)} effective of ${fixed(record.n_paths, 0)} paths`,
      note: "",
    },
    ...record.comparators.map((one) => ({
      name: one.name,
      mean: <RecordedEstimate figure={one.portfolio} missing={one.note ?? "fewer than 50 paths"} />,
      stands: standing(one),
      note: <span class="wrap">{one.note ?? one.portfolio?.note ?? ""}</span>,
    })),
  ];
  const silent = record.comparators.filter((one) => one.portfolio?.estimate == null).map((one) => one.name);
  return (
    <Panel
      title="The same shock elsewhere"
      help={
        <p>
          A Gaussian market in closed form, filtered historical simulation under the same condition,
          and the windows of history that met it. None is right for being larger or smaller; where
          they differ beyond their errors, the question is open.
        </p>
      }
    >
      <DataTable
        caption="Mean of the portfolio given the shock, by method"
        columns={[
          { key: "name", title: "Method", left: true },
          { key: "mean", title: "Portfolio, mean" },
          { key: "stands", title: "Stands on", left: true },
          { key: "note", title: "Note", left: true },
        ]}
        rows={rows}
      />
      {silent.length > 0 && (
        <Chip tone="warn">{silent.join(", ")}: no figure, too few paths meet the shock</Chip>
      )}
    </Panel>
  );
}

function standing(one: Comparator): string {
  if (one.n === null) return "closed form";
  if (one.ess !== null) return `${fixed(one.ess, 0)} effective of ${fixed(one.n, 0)} paths`;
  return `${fixed(one.n, 0)} windows, none overlapping`;
}

