import { useMemo } from "preact/hooks";
import { Chip, Estimate, Panel, PlotFigure } from "../../components";
import { KeyFigure, KeyFigures } from "../../components/KeyFigures";
import { Light } from "../../components/Light";
import { Notes } from "../../components/Notes";
import { Reason } from "../../components/Reason";
import { type Dotted, dottedOptions } from "../../drawing/dotted_rows";
import { fixed, ROLE, spoken } from "../../drawing/palette";
import type { Card, CardScores, GateResult } from "../../records/fidelity";

/** Is it fit for use? What publishing asked, and the one score that every card has. */
export function CardPanels({ card }: { card: Card }) {
  const { gates } = card;
  const asked = gates.passed.length + gates.failed.length;
  return (
    <>
      <Panel
        title="Is it fit for use?"
        help={
          <p>
            Publishing asks ten written questions. The statistical ones share an error level of{" "}
            {fixed(100 * gates.family_level, 0)} %: a true model fails one of them so often. A model
            that fails is published as a candidate, and its card offers a baseline in its place.
          </p>
        }
        actions={
          <Chip tone={card.status === "candidate" ? "warn" : "good"}>
            {card.status}
            {card.offer ? `; rather use ${card.offer}` : ""}
          </Chip>
        }
      >
        <p class="faint">
          {gates.passed.length} of {asked} gates passed
          {gates.not_applicable.length > 0 && `, ${gates.not_applicable.length} not applicable`}. A
          gate is a decision, not an estimate: its threshold holds the error.
        </p>
        <ul class="gates">
          {gates.results.map((gate) => (
            <Gate key={gate.name} gate={gate} />
          ))}
        </ul>
      </Panel>
      {"skipped" in card.scores ? (
        <Panel title="Score on the validation span">
          <p class="faint">There is none: {card.scores.skipped}</p>
        </Panel>
      ) : (
        <ValidationScore scores={card.scores} />
      )}
      <Panel title="What it cannot do">
        <Notes notes={card.limits} />
        <details class="numbers">
          <summary>What must not be claimed of it</summary>
          <Notes notes={card.must_not_be_claimed} />
        </details>
      </Panel>
    </>
  );
}

function Gate({ gate }: { gate: GateResult }) {
  const tone = gate.passed === null ? "open" : gate.passed ? "good" : "bad";
  return (
    <li>
      <span class="verdict">
        <Light tone={tone} />
        {gate.passed === null ? "not asked" : gate.passed ? "passed" : "failed"}
      </span>
      <span>
        {gate.question}
        {gate.note && <span class="faint"> ({gate.note})</span>}
      </span>
      <span class="figures">
        {gate.value === null ? (
          gate.passed === null ? (
            <Reason short="n/a" why={gate.note ?? "not applicable"} />
          ) : (
            "yes"
          )
        ) : (
          <strong>{fixed(gate.value, gate.value % 1 === 0 ? 0 : 3)}</strong>
        )}
        <span class="faint">{spoken(gate.threshold)}</span>
      </span>
    </li>
  );
}

function ValidationScore({ scores }: { scores: CardScores }) {
  const model = scores.rows["model"];
  const reference = scores.rows[scores.reference];
  const options = useMemo(() => {
    const rows = Object.entries(scores.rows).map(([name, row]): Dotted => {
      const reach = row.standard_error === null ? null : 1.96 * row.standard_error;
      return {
        name,
        series: "score",
        x: row.mean,
        span: reach === null ? null : [row.mean - reach, row.mean + reach],
      };
    });
    return dottedOptions({
      rows,
      series: [{ name: "score", tone: ROLE.model }],
      label: "energy score: ← better",
      rule: reference?.mean ?? 0,
      format: (value) => fixed(value, 2),
    });
  }, [scores]);
  if (!model || !reference) return null;
  const paired =
    model.t && model.difference !== null ? Math.abs(model.difference / model.t) : null;
  return (
    <Panel
      title="Score on the validation span"
      help={
        <p>
          {scores.metric}; lower is better. {scores.span}. Both were scored on the same{" "}
          {scores.n_dates} starting days, so that the difference is known better than either score.
        </p>
      }
    >
      <KeyFigures>
        <KeyFigure name="Model" beside={scores.span}>
          <Estimate value={model.mean} se={model.standard_error} note="no error: too few days" />
        </KeyFigure>
        <KeyFigure name={scores.reference} beside="on the same days">
          <Estimate
            value={reference.mean}
            se={reference.standard_error}
            note="no error: too few days"
          />
        </KeyFigure>
        <KeyFigure
          name="Difference"
          beside={
            model.t === null
              ? "no test: too few days"
              : `Diebold-Mariano t ${fixed(model.t, 2)}; negative is better`
          }
        >
          <Estimate value={model.difference} se={paired} note="no error: too few days" />
        </KeyFigure>
      </KeyFigures>
      <PlotFigure
        options={options}
        label={`Energy score of the model and of ${scores.reference}`}
        summary="Lines are 95 % intervals of each score for itself; they share the luck of the same days, so the difference above is the test."
      />
    </Panel>
  );
}
