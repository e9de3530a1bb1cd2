import type { EstimateRecord } from "../records/estimate";
import { Estimate } from "./index";
import { Reason } from "./Reason";

interface Props {
  figure: EstimateRecord | null | undefined;
  /** Why there is no figure at all. */
  missing?: string;
  percent?: boolean;
  digits?: number;
}

/** A figure of a record with its errors, or the reason why it has none. */
export function RecordedEstimate({ figure, missing = "not known", percent = true, digits }: Props) {
  if (!figure || figure.estimate === null) {
    return <Reason short="n/a" why={figure?.note ?? missing} />;
  }
  const note = figure.note ?? "this figure has no error";
  return (
    <>
      <Estimate
        value={figure.estimate}
        se={figure.mc_se}
        modelSe={figure.model_se}
        percent={percent}
        digits={digits}
        note={note}
      />
      {figure.mc_se === null && <Reason short="no error" why={note} />}
    </>
  );
}
