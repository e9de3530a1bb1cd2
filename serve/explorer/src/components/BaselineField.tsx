interface Props {
  known: readonly string[];
  /** Names with commas between. */
  value: string;
  onChange: (value: string) => void;
}

/** Which classical generators stand beside; the reference always does. */
export function BaselineField({ known, value, onChange }: Props) {
  const chosen = value.split(",").filter(Boolean);
  const toggle = (name: string) =>
    onChange(
      known.filter((one) => (one === name ? !chosen.includes(name) : chosen.includes(one))).join(","),
    );
  return (
    <fieldset class="choices">
      <legend>Beside it</legend>
      {known.map((name) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            disabled={name === "fhs-gjr"}
            onChange={() => toggle(name)}
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
