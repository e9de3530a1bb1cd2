import { useRun } from "../../answer_run";
import { Chip, NumberField, Panel, RunButton, Status } from "../../components";
import { HistoryFields } from "../../components/HistoryFields";
import { PoolField } from "../../components/PoolField";
import { ShockEditor } from "../../components/ShockEditor";
import type { ShockRecord } from "../../records/stress";
import { asRequested, spell, type Typed, unspell } from "../../shocks";
import { useUrlState } from "../../state";
import type { Subject } from "../../subject";
import { ShockAnswer } from "./ShockAnswer";

/** What happens to the portfolio if this happens? */
export function ShockStress({ subject }: { subject: Subject }) {
  const assets = subject.assets;
  const first = assets[0] ?? "";
  const [spelt, setSpelt] = useUrlState("shocks", "");
  const [horizon, setHorizon] = useUrlState("stress-horizon", 20);
  const [pool, setPool] = useUrlState("pool", "20000");
  const read = unspell(spelt, assets);
  const shocks: Typed[] =
    read.length > 0 ? read : [{ asset: first, kind: "value", move: -0.1, over: 5 }];
  const asked = { shocks: asRequested(shocks, horizon), horizon, n_paths: Number(pool) };
  const run = useRun<ShockRecord>("/v1/stress", subject.question, asked, "shock-asked");
  return (
    <>
      <Panel
        title="What happens to the portfolio if…"
        help={
          <p>
            Paths are drawn from the model, from today's volatility on. Those on which the shock
            happens are kept and weighted; the answer is the law of everything else on them. It says
            what goes together under the model, not what causes what.
          </p>
        }
      >
        <div class="form-stack">
          <ShockEditor
            shocks={shocks}
            assets={assets}
            horizon={horizon}
            onChange={(changed) => setSpelt(spell(changed))}
          />
          <div class="form-row">
            <NumberField
              label="Look ahead, days"
              value={horizon}
              min={1}
              max={250}
              onChange={setHorizon}
            />
            <PoolField value={pool} onChange={setPool} />
            <HistoryFields />
            <RunButton onClick={run.ask} busy={run.isLoading}>
              Draw the shock
            </RunButton>
            {run.isStale && !run.isLoading && (
              <Chip tone="warn">the figures below answer the question before</Chip>
            )}
          </div>
        </div>
      </Panel>
      <Status
        loading={run.isLoading}
        error={run.error}
        again={run.ask}
        empty="Choose a shock and draw it: what goes with it, how plausible it is, and what three other methods say of the same shock will stand here."
      >
        {run.answer && <ShockAnswer answered={run.answer} />}
      </Status>
    </>
  );
}
