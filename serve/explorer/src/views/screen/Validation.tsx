import { useMemo } from "preact/hooks";
import { Chip, Panel, PlotFigure, RunButton } from "../../components";
import { DateField } from "../../components/DateField";
import { JobStatus } from "../../components/JobStatus";
import { Light, type LightTone } from "../../components/Light";
import { Notes } from "../../components/Notes";
import { type Dotted, dottedOptions } from "../../drawing/dotted_rows";
import { fixed, ROLE, spoken } from "../../drawing/palette";
import { hasEnded, useJob } from "../../job_work";
import type { Standing } from "../../records/screen";
import type { DateMean, ValidationRecord } from "../../records/validation";
import { useUrlState } from "../../state";
import { Badge } from "./ScreenAnswer";

const LIGHTS: Record<string, LightTone> = { yes: "good", no: "bad", "cannot tell": "open" };

interface Props {
  standing: Standing;
  request: Record<string, unknown>;
  /** The version that is looked at. */
  version: string;
  /** That it is walked over, if not the model's own. */
  prices: string;
}

/** What came true: the screen walked over dates that its model did not know. */
export function Validation({ standing, request, version, prices }: Props) {
  const [first, setFirst] = useUrlState("first", "");
  const [last, setLast] = useUrlState("last", "");
  const work = useJob<ValidationRecord>("screen-validation", version);
  const { as_of: _, ...asked } = request;
  const runs = work.job !== null && !hasEnded(work.job);
  const start = () =>
    work.start({
      ...asked,
      ...(prices === "" ? {} : { prices }),
      ...(first === "" ? {} : { first }),
      ...(last === "" ? {} : { last }),
    });
  return (
    <Panel
      title="Does it come true?"
      actions={<Badge standing={standing} />}
      help={
        <p>
          At the last row of every month the screen sees the rows up to that day and no more, and
          what followed is held against what it said. Candidates of one day move together, so that a
          day is one observation: few months tell little, and say so.
        </p>
      }
    >
      <p class="faint">
        {spoken(standing.summary)}. A walk goes over {prices === "" ? "the model's own prices" : prices}.
      </p>
      <div class="form-row">
        <DateField label="First date" value={first} onChange={setFirst} />
        <DateField label="Last date" value={last} onChange={setLast} />
        <RunButton onClick={start} busy={runs}>
          Walk it forward
        </RunButton>
      </div>
      <JobStatus
        work={work}
        empty="Not yet walked forward from here. Two years of months take a few minutes."
      />
      {work.result && standing.status === "stale" && (
        <Chip tone="warn">the walk below was of another screen or version</Chip>
      )}
      {work.result && <Walked record={work.result} />}
    </Panel>
  );
}

function Walked({ record }: { record: ValidationRecord }) {
  const { design } = record;
  const options = useMemo(() => {
    const rows = [
      means("this screen", "ic", record.rank_ic),
      ...Object.entries(record.references).map(([name, mean]) => means(name, "ic", mean)),
    ];
    return dottedOptions({
      rows,
      series: [{ name: "ic", tone: ROLE.model }],
      label: "mean rank IC →",
      format: (value) => fixed(value, 2),
    });
  }, [record]);
  const visible = record.minimum_detectable_ic;
  return (
    <>
      <h3>
        The last walk: {design.n_dates} dates, {design.first} to {design.last}
        {design.in_sample && ", in-sample: no evidence"}
      </h3>
      <ul class="questions">
        {record.questions.map((one) => (
          <li key={one.asked}>
            <span class="verdict">
              <Light tone={LIGHTS[one.answer] ?? "open"} />
              <strong>{one.answer}</strong>
            </span>
            <span>
              {one.asked} <span class="faint">{spoken(one.because)}</span>
            </span>
          </li>
        ))}
      </ul>
      <PlotFigure
        options={options}
        label="Mean rank IC of the screen and of the references, 95 % intervals"
        summary={
          visible?.t2 != null && visible.t3 != null
            ? `So many dates show a mean rank IC of ${fixed(visible.t2, 2)} at t = 2 and of ${fixed(visible.t3, 2)} at t = 3; a smaller one stays unseen.`
            : undefined
        }
      />
      <Notes notes={record.notes} />
    </>
  );
}

function means(name: string, series: string, mean: DateMean): Dotted {
  return { name, series, x: mean.estimate, span: mean.ci };
}
