import { SelectField } from "./index";

const POOLS = [
  { value: "5000", label: "5,000: a first look" },
  { value: "20000", label: "20,000: a few seconds" },
  { value: "50000", label: "50,000" },
  { value: "100000", label: "100,000: rare shocks" },
];

/** How many paths may be drawn to find those that count. */
export function PoolField(props: { value: string; onChange: (value: string) => void }) {
  const known = POOLS.some((one) => one.value === props.value);
  const options = known ? POOLS : [...POOLS, { value: props.value, label: props.value }];
  return <SelectField label="Paths drawn at most" {...props} options={options} />;
}
