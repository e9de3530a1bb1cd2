import { Field } from "./index";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string;
}

/** A day, or none. */
export function DateField({ label, value, onChange, hint }: Props) {
  return (
    <Field label={label} hint={hint}>
      {(id) => (
        <input
          id={id}
          type="date"
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
