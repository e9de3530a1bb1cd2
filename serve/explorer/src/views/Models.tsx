/** What the store holds, what each model learnt from, what it must not be used for; long work. */

import { useEffect, useState } from "preact/hooks";
import { get, remove } from "../api";
import { Chip, type Column, DataTable, Panel, Status } from "../components";
import { fixed } from "../drawing/palette";
import type { Chosen, ModelEntry } from "../model";
import { useQuery, useUrlState } from "../state";

interface Card {
  data?: { source: string; first: string; last: string; n_rows: number; assets: string[]; digest: string };
  training?: { finished: string; seconds: number; steps: number; n_generators: number; software: string };
  selection?: { n_trials?: number; rule: string; generators: { chosen_step: number; curve: Record<string, number>[] }[] };
  gates?: { results: { name: string; question: string; passed: boolean | null; threshold: string; value: unknown }[] };
  limits?: string[];
  must_not_be_claimed?: string[];
}

interface Job {
  id: string;
  kind: string;
  state: string;
  progress: { done: number; total: number } | null;
  created: string;
  problem: { detail: string } | null;
  result: string | null;
}

export function Models({ chosen }: { chosen: Chosen }) {
  const [, choose] = useUrlState<string>("model", chosen.reference);
  const { models, store_problem } = chosen.listing;
  return (
    <>
      <Panel title="Models" help="Every published version. The newest sound one of each name answers; one whose files are not those that were published is refused, and the one before serves on.">
        {store_problem && <p role="alert">{store_problem}</p>}
        {models.length ? (
          <DataTable caption="Models of the store" columns={COLUMNS} rows={models as unknown as Record<string, unknown>[]} onRow={(row) => choose(row.model as string)} />
        ) : (
          <p class="empty">The store is empty: the classical baselines answer. <code>fingan train --prices FILE --name NAME</code> publishes a model, and it appears here within a second.</p>
        )}
      </Panel>
      {chosen.entry && <CardPanel reference={chosen.entry.model} />}
      <Jobs />
    </>
  );
}

const COLUMNS: Column[] = [
  { key: "model", title: "model" },
  {
    key: "state",
    title: "state",
    left: true,
    cell: (row) => {
      const one = row as unknown as ModelEntry;
      if (one.problem) return <Chip tone="bad" title={one.problem}>refused</Chip>;
      if (one.is_served) return <Chip tone="good">serves</Chip>;
      return <Chip>older</Chip>;
    },
  },
  {
    key: "gates",
    title: "gates",
    left: true,
    cell: (row) => {
      const one = row as unknown as ModelEntry;
      const n = one.gates_passed + one.gates_failed.length;
      return one.gates_failed.length ? <Chip tone="warn">{one.gates_passed} of {n}</Chip> : <Chip tone="good">{n} of {n}</Chip>;
    },
  },
  { key: "fitted_until", title: "learnt until" },
  { key: "n", title: "assets", cell: (row) => (row as unknown as ModelEntry).assets.length },
  { key: "published", title: "published", cell: (row) => String(row.published ?? "").slice(0, 16).replace("T", " ") },
  { key: "problem", title: "problem", left: true, cell: (row) => (row.problem as string | null) ?? "" },
];

function trials(n: number): string {
  return n === 1 ? "one configuration" : `${n} configurations: the best of many is a candidate, whatever its gates say`;
}

function CardPanel({ reference }: { reference: string }) {
  const found = useQuery(`card ${reference}`, (signal) => get<{ digest: string; card: Card }>(`/v1/models/${encodeURIComponent(reference)}`, signal));
  const card = found.data?.card;
  return (
    <Panel title={`Card of ${reference}`}>
      <Status loading={found.loading} error={found.error} again={found.again}>
        {card && (
          <>
            <dl class="facts">
              <div><dt>learnt from</dt><dd>{card.data?.source}, {card.data?.n_rows.toLocaleString("en-GB")} rows, {card.data?.first} to {card.data?.last}</dd></div>
              <div><dt>generators</dt><dd>{card.training?.n_generators}, {card.training?.steps.toLocaleString("en-GB")} steps in {fixed(card.training?.seconds ?? 0, 0)} s</dd></div>
              <div><dt>chosen among</dt><dd>{trials(card.selection?.n_trials ?? 1)}</dd></div>
              <div><dt>software</dt><dd>{card.training?.software}</dd></div>
            </dl>
            <p class="faint">digest <code>{found.data?.digest}</code></p>
            <div class="row">
              <div>
                <h3>Gates of publication</h3>
                <DataTable
                  caption="Gates"
                  columns={[
                    { key: "name", title: "gate", cell: (row) => String(row.name).replaceAll("_", " ") },
                    { key: "passed", title: "", cell: (row) => (row.passed ? <Chip tone="good">passed</Chip> : row.passed === null ? <Chip>not applicable</Chip> : <Chip tone="bad">failed</Chip>) },
                    { key: "threshold", title: "threshold", left: true },
                  ]}
                  rows={card.gates?.results ?? []}
                />
              </div>
              <div>
                <h3>Limits of use</h3>
                <ul>{card.limits?.map((text) => <li key={text}>{text}</li>)}</ul>
                <h3>Must not be claimed</h3>
                <ul>{card.must_not_be_claimed?.map((text) => <li key={text}>{text}</li>)}</ul>
              </div>
            </div>
          </>
        )}
      </Status>
    </Panel>
  );
}

function Jobs() {
  const [turn, setTurn] = useState(0);
  const found = useQuery(`jobs ${turn}`, (signal) => get<{ jobs: Job[] }>("/v1/jobs", signal));
  const isBusy = found.data?.jobs.some((one) => one.state === "running" || one.state === "queued") ?? false;
  useEffect(() => {
    if (!isBusy) return;
    const timer = setTimeout(() => setTurn((before) => before + 1), 1500);
    return () => clearTimeout(timer);
  }, [isBusy, turn]);
  return (
    <Panel title="Jobs" help="Bulk cubes, backtests, evaluations and screen validations. They outlive the page and a restart of the service.">
      <Status loading={found.loading} error={found.error} again={found.again} empty="No job has been started: the views Backtest, Fidelity and Screen start some.">
        {found.data && found.data.jobs.length > 0 && (
          <DataTable
            caption="Jobs"
            columns={[
              { key: "kind", title: "kind" },
              { key: "state", title: "state", left: true, cell: (row) => <Chip tone={TONES[row.state as string] ?? "plain"} title={(row as unknown as Job).problem?.detail}>{row.state as string}</Chip> },
              { key: "progress", title: "progress", cell: (row) => <Meter progress={(row as unknown as Job).progress} /> },
              { key: "created", title: "started", cell: (row) => String(row.created).slice(0, 16).replace("T", " ") },
              { key: "result", title: "", cell: (row) => <JobAction job={row as unknown as Job} again={() => setTurn(turn + 1)} /> },
            ]}
            rows={found.data.jobs as unknown as Record<string, unknown>[]}
          />
        )}
      </Status>
    </Panel>
  );
}

const TONES: Record<string, "good" | "bad" | "model" | "warn"> = {
  succeeded: "good",
  failed: "bad",
  running: "model",
  cancelled: "warn",
};

function Meter({ progress }: { progress: Job["progress"] }) {
  if (!progress || !progress.total) return <span class="faint">n/a</span>;
  const share = Math.round((100 * progress.done) / progress.total);
  return (
    <div class="meter" role="progressbar" aria-label="progress" aria-valuenow={share} aria-valuemin={0} aria-valuemax={100}>
      <span style={{ width: `${share}%` }} />
    </div>
  );
}

function JobAction({ job, again }: { job: Job; again: () => void }) {
  if (job.result) return <a href={job.result.replace(/^\//, "")}>result</a>;
  if (job.state !== "running" && job.state !== "queued") return null;
  return <button type="button" class="quiet" onClick={() => void remove(`/v1/jobs/${job.id}`).then(again)}>Cancel</button>;
}
