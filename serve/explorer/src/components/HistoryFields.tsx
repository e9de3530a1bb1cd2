import { get } from "../api";
import { useQuery, useUrlState } from "../state";
import type { PriceSource } from "../subject";
import { DateField } from "./DateField";
import { SelectField } from "./index";

interface Props {
  /** Whether a date to stand at is asked for. */
  dated?: boolean;
}

/** Which prices are continued, and from which day on. */
export function HistoryFields({ dated = true }: Props) {
  const [prices, setPrices] = useUrlState("prices", "");
  const [asOf, setAsOf] = useUrlState("as_of", "");
  const sources = useQuery("prices", (signal) => get<{ prices: PriceSource[] }>("/v1/prices", signal));
  const known = (sources.data?.prices ?? []).filter((one) => !one.problem);
  const options = [
    { value: "", label: "the model's own, to its last day" },
    ...known.map((one) => ({ value: one.name, label: `${one.name}, to ${one.last ?? "its end"}` })),
  ];
  if (prices !== "" && !known.some((one) => one.name === prices)) {
    options.push({ value: prices, label: prices });
  }
  return (
    <>
      <SelectField label="Prices" value={prices} options={options} onChange={setPrices} />
      {dated && <DateField label="As of" value={asOf} onChange={setAsOf} />}
    </>
  );
}
