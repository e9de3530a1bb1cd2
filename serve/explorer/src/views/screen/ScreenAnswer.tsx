import { useMemo } from "preact/hooks";
import { Chip, DataTable, Panel, PlotFigure, type Tone } from "../../components";
import { Legend } from "../../components/Legend";
import { Light, type LightTone } from "../../components/Light";
import { Notes } from "../../components/Notes";
import { Reason } from "../../components/Reason";
import { RecordedEstimate } from "../../components/RecordedEstimate";
import { figureWords, kindOf } from "../../criteria";
import { fixed, INK, percent, pValue, ROLE } from "../../drawing/palette";
import { criterionOptions, SYMBOLS } from "../../drawing/screen_plots";
import type { Candidate, JudgedCriterion, ScreenRecord, Standing, Verdict } from "../../records/screen";
import { Validation } from "./Validation";

const LIGHTS: Record<Verdict, LightTone> = { pass: "good", fail: "bad", undecided: "open" };
const STANDINGS: Record<Standing["status"], Tone> = {
  ok: "model",
  unvalidated: "warn",
  stale: "warn",
  "in-sample": "bad",
};

interface Props {
  record: ScreenRecord;
  /** What was asked, for the job that validates it. */
  request: Record<string, unknown>;
  version: string;
  /** Prices to walk it over, if not the model's own. */
  tested: string;
}

export function ScreenAnswer({ record, request, version, tested }: Props) {
  const { spec } = record;
  return (
    <>
      <Panel
        title={`${record.n_candidates} candidates from ${record.as_of} on, ${spec.horizon} days`}
        actions={<Badge standing={record.validation} />}
        help={
          <p>
            The score is of the net return over the horizon; errors are of so few scenarios and of
            training. P(among {spec.top_k}) is the chance to lead when generators and scenarios are
            drawn again. Two places are tied where the difference on the same scenarios may be nothing.
            Listed is what passes and is better than all references beyond the luck of{" "}
            {record.n_tests} tests.
          </p>
        }
      >
        <p class="finding">
          {record.listed.length > 0 ? (
            <>
              Listed: <strong>{record.listed.join(", ")}</strong>.
            </>
          ) : (
            <>
              <strong>Listed: none.</strong> No candidate passes and is better than every reference
              at q ≤ {fixed(spec.multiplicity.q, 2)} in one of {record.n_tests} tests.
            </>
          )}{" "}
          <span class="faint">
            Trial {record.trials.of_this_definition} of this screen, {record.trials.of_all} of all.
          </span>
        </p>
        <Ranked record={record} />
        <Notes notes={record.warnings} tone="warn" />
        <p class="faint not-advice">{record.not_advice}</p>
      </Panel>
      {spec.criteria.map((_, k) => (
        <CriterionPanel key={k} record={record} k={k} />
      ))}
      <Agreement record={record} />
      <Validation standing={record.validation} request={request} version={version} prices={tested} />
    </>
  );
}

export function Badge({ standing }: { standing: Standing }) {
  return (
    <Chip tone={STANDINGS[standing.status]} title={standing.summary}>
      {standing.status === "ok" ? "on record" : standing.status}
    </Chip>
  );
}

export function VerdictChip({ verdict }: { verdict: Verdict }) {
  return (
    <span class="verdict">
      <Light tone={LIGHTS[verdict]} />
      {verdict}
    </span>
  );
}

function Ranked({ record }: { record: ScreenRecord }) {
  const kind = kindOf(record.spec.rank_by.metric);
  const top = record.spec.top_k;
  return (
    <DataTable
      caption="Candidates, best first"
      columns={[
        { key: "rank", title: "Place" },
        { key: "name", title: "Candidate", left: true },
        { key: "verdict", title: "Verdict", left: true },
        { key: "score", title: figureWords(record.spec.rank_by) },
        { key: "next", title: "to the next", left: true },
        { key: "top", title: `P(among ${top})` },
        { key: "low", title: "5 % quantile" },
        { key: "high", title: "95 % quantile" },
        { key: "also", title: "also picked by", left: true },
      ]}
      rows={record.results.map((one) => ({
        rank: one.rank,
        name: (
          <span>
            <strong>{one.name}</strong>
            {one.direction === "short" && " sold"} {one.listed && <Chip tone="good">listed</Chip>}
          </span>
        ),
        verdict: <VerdictChip verdict={one.verdict} />,
        score: <RecordedEstimate figure={one.score} percent={kind.isShare} />,
        next: <Next candidate={one} />,
        top:
          one.p_top_k === null ? (
            <Reason short="n/a" why="needs an ensemble or several draws" />
          ) : (
            percent(0)(one.p_top_k)
          ),
        low: <RecordedEstimate figure={one.distribution["q05"]} digits={1} />,
        high: <RecordedEstimate figure={one.distribution["q95"]} digits={1} />,
        also: one.also_picked_by.join(", ") || <span class="faint">none</span>,
      }))}
    />
  );
}

function Next({ candidate }: { candidate: Candidate }) {
  if (candidate.ahead_of_next === null) return <span class="faint">last</span>;
  return candidate.tied_with_next ? <span class="faint">tied</span> : <span>clear</span>;
}

function CriterionPanel({ record, k }: { record: ScreenRecord; k: number }) {
  const generators = record.spec.references;
  const options = useMemo(() => criterionOptions(record.results, k, generators), [record, k]);
  const first = record.results[0]?.criteria[k];
  if (!first) return null;
  const kind = kindOf(first.metric);
  const write = (value: number) =>
    kind.isShare ? percent(1)(value) : fixed(value, 2);
  const references = Object.keys(first.reference);
  return (
    <Panel
      title={`${capital(figureWords(first))}: ${first.op === "<=" ? "at most" : "at least"} ${write(first.value)}`}
      help={
        <p>
          Lines are the one-sided bounds at {percent(0)(first.confidence)} that the verdict stands
          on: a candidate passes where the whole line lies on the right side of the limit. Hollow
          marks are the same figure as generators without skill in ranking have it.
        </p>
      }
    >
      <Legend
        marks={[
          { name: "model, with its bounds", tone: ROLE.model },
          ...generators.map((name, i) => ({
            name,
            tone: i === 0 ? ROLE.reference : INK.muted,
            shape: SYMBOLS[i % SYMBOLS.length],
          })),
        ]}
      />
      <PlotFigure
        options={options}
        label={`${kind.title} of each candidate with its bounds, the limit and the references`}
      />
      <details class="numbers">
        <summary>Numbers</summary>
        <DataTable
          caption={`${kind.title} by candidate`}
          columns={[
            { key: "name", title: "Candidate", left: true },
            { key: "figure", title: "Figure" },
            { key: "bounds", title: "Bounds" },
            { key: "verdict", title: "Verdict", left: true },
            { key: "q", title: "q" },
            ...references.map((name) => ({ key: name, title: name })),
          ]}
          rows={record.results.map((one) => rowOf(one, one.criteria[k], references, write, kind.isShare))}
        />
        <p class="faint">
          q belongs to "no better than the best reference", adjusted over {record.n_tests} tests.
          Random, momentum and low volatility are the model's own mean over what those would pick.
          References are points for comparison; their own errors are in the test, not in the table.
        </p>
      </details>
    </Panel>
  );
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function rowOf(
  candidate: Candidate,
  judged: JudgedCriterion | undefined,
  references: readonly string[],
  write: (value: number) => string,
  isShare: boolean,
): Record<string, unknown> {
  if (!judged) return { name: candidate.name };
  return {
    name: candidate.name,
    figure: <RecordedEstimate figure={judged} percent={isShare} />,
    bounds: `${write(judged.lower)} to ${write(judged.upper)}`,
    verdict: <VerdictChip verdict={judged.verdict} />,
    q: judged.q === null ? <Reason short="n/a" why="no reference to be better than" /> : pValue(judged.q),
    ...Object.fromEntries(
      references.map((name) => {
        const value = judged.reference[name];
        return [name, value == null ? "n/a" : write(value)];
      }),
    ),
  };
}

function Agreement({ record }: { record: ScreenRecord }) {
  return (
    <Panel
      title="Is the order anything new?"
      help={
        <p>
          Rank correlation of this order with the orders that anyone has for nothing. Near one, the
          screen says nothing that a sort by past volatility or momentum does not say.
        </p>
      }
    >
      <dl class="pairs">
        {Object.entries(record.rank_agreement).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value === null ? (
                <Reason short="n/a" why="the history is too short for this sort" />
              ) : (
                <>
                  {value > 0 ? "+" : ""}
                  {fixed(value, 2)}
                </>
              )}
            </dd>
          </div>
        ))}
      </dl>
      <p class="faint">
        Of {record.n_candidates} orders, all of them here: a description, without a sampling error.
      </p>
    </Panel>
  );
}
