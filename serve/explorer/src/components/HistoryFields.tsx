import { useUrlState } from "../state";
import { useSources } from "../subject";
import { DateField } from "./DateField";
import { SelectField } from "./index";

interface Props {
  /** Whether a date to stand at is asked for. */
  dated?: boolean;
  /** Taken unless others are chosen; else the model's own. */
  initial?: string;
}

/** Which prices are continued, and from which day on. */
export function HistoryFields({ dated = true, initial = "" }: Props) {
  const [prices, setPrices] = useUrlState("prices", "");
  const [asOf, setAsOf] = useUrlState("as_of", "");
  const { known } = useSources();
  const options = [
    ...(initial === "" ? [{ value: "", label: "the model's own, to its last day" }] : []),
    ...known.map((one) => ({ value: one.name, label: `${one.name}, to ${one.last ?? "its end"}` })),
  ];
  if (prices !== "" && !known.some((one) => one.name === prices)) {
    options.push({ value: prices, label: prices });
  }
  return (
    <>
      <SelectField label="Prices" value={prices || initial} options={options} onChange={setPrices} />
      {dated && <DateField label="As of" value={asOf} onChange={setAsOf} />}
    </>
  );
}
