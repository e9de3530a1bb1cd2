/** The parts that every view is made of. */

import * as Plot from "@observablehq/plot";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { ProblemDocument } from "../api";
import { fixed } from "../drawing/palette";

export type Tone = "good" | "bad" | "warn" | "plain" | "model" | "reference";

interface EstimateProps {
  value: number | null | undefined;
  se?: number | null;
  modelSe?: number | null;
  percent?: boolean;
  digits?: number;
  /** Why there is no error, where there is none. */
  note?: string;
}

/** A figure with its errors: Monte Carlo alone, and that of another training where it is known. */
export function Estimate({ value, se, modelSe, percent = false, digits, note }: EstimateProps) {
  if (value === null || value === undefined) {
    return <span class="estimate missing" title={note}>{note ?? "n/a"}</span>;
  }
  const unit = percent ? 100 : 1;
  const shown = digits ?? (percent ? 2 : 3);
  const suffix = percent ? "\u202f%" : "";
  const error = se === null || se === undefined ? null : fixed(unit * se, shown);
  const model = modelSe === null || modelSe === undefined ? null : fixed(unit * modelSe, shown);
  const title = [
    error === null ? (note ?? "no error is known") : `± ${error}${suffix} another seed`,
    model === null ? null : `± ${model}${suffix} another training`,
  ]
    .filter(Boolean)
    .join(", ");
  return (
    <span class="estimate" title={title}>
      <span class="figure">{fixed(unit * value, shown)}{suffix}</span>{" "}
      <span class="error">{error === null ? (note ? "*" : "± ?") : `± ${error}`}</span>
      {model !== null && <span class="error model-error"> ± {model}</span>}
    </span>
  );
}

interface PanelProps {
  title: string;
  help?: ComponentChildren;
  children: ComponentChildren;
  actions?: ComponentChildren;
  class?: string;
}

/** A titled part of a view; its help unfolds. */
export function Panel({ title, help, children, actions, class: name = "" }: PanelProps) {
  const id = useId();
  return (
    <section class={`panel ${name}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {help && (
        <details class="help">
          <summary>What is this?</summary>
          <div>{help}</div>
        </details>
      )}
      {children}
    </section>
  );
}

interface FieldProps {
  label: string;
  hint?: string;
  children: (id: string) => ComponentChildren;
}

/** A labelled control. */
export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
      {hint && <small>{hint}</small>}
    </div>
  );
}

interface NumberFieldProps {
  label: string;
  value: number;
  onChange: (value: number) => void;
  min?: number;
  max?: number;
  step?: number;
  hint?: string;
}

export function NumberField({ label, value, onChange, min, max, step = 1, hint }: NumberFieldProps) {
  return (
    <Field label={label} hint={hint}>
      {(id) => (
        <input
          id={id}
          type="number"
          value={value}
          min={min}
          max={max}
          step={step}
          onChange={(event) => {
            const asked = event.currentTarget.valueAsNumber;
            if (!Number.isFinite(asked)) return;
            onChange(Math.min(max ?? Infinity, Math.max(min ?? -Infinity, asked)));
          }}
        />
      )}
    </Field>
  );
}

export interface Option {
  value: string;
  label: string;
}

interface SelectFieldProps {
  label: string;
  value: string;
  options: readonly (Option | string)[];
  onChange: (value: string) => void;
  hint?: string;
}

export function SelectField({ label, value, options, onChange, hint }: SelectFieldProps) {
  return (
    <Field label={label} hint={hint}>
      {(id) => (
        <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {options.map((option) => {
            const one = typeof option === "string" ? { value: option, label: option } : option;
            return <option key={one.value} value={one.value}>{one.label}</option>;
          })}
        </select>
      )}
    </Field>
  );
}

interface SliderFieldProps {
  label: string;
  value: number;
  onChange: (value: number) => void;
  min: number;
  max: number;
  step: number;
  format?: (value: number) => string;
  hint?: string;
}

export function SliderField({ label, value, onChange, min, max, step, format = String, hint }: SliderFieldProps) {
  const [live, setLive] = useState(value);
  useEffect(() => setLive(value), [value]);
  return (
    <Field label={label} hint={hint}>
      {(id) => (
        <div class="slider">
          <input
            id={id}
            type="range"
            min={min}
            max={max}
            step={step}
            value={live}
            aria-valuetext={format(live)}
            onInput={(event) => setLive(event.currentTarget.valueAsNumber)}
            onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
          />
          <output for={id}>{format(live)}</output>
        </div>
      )}
    </Field>
  );
}

interface RunButtonProps {
  onClick: () => void;
  busy?: boolean;
  disabled?: boolean;
  children?: ComponentChildren;
  quiet?: boolean;
}

export function RunButton({ onClick, busy = false, disabled = false, children = "Run", quiet }: RunButtonProps) {
  return (
    <button type="button" class={quiet ? "quiet" : "run"} onClick={onClick} disabled={disabled || busy} aria-busy={busy}>
      {busy ? "Working…" : children}
    </button>
  );
}

interface StatusProps {
  loading: boolean;
  error: ProblemDocument | null;
  empty?: ComponentChildren;
  again?: () => void;
  children?: ComponentChildren;
}

/** One of four: failed, loading for the first time, nothing to show, the thing itself. */
export function Status({ loading, error, empty, again, children }: StatusProps) {
  if (error) return <Failed problem={error} again={again} />;
  if (loading && !children) {
    return (
      <div class="loading" role="status" aria-live="polite">
        <span class="bar" />
        <span class="bar" />
        <span class="bar" />
        <p>Drawing scenarios…</p>
      </div>
    );
  }
  if (!children) return <div class="empty">{empty ?? "Nothing to show yet."}</div>;
  return <div class={loading ? "stale" : ""} aria-busy={loading}>{children}</div>;
}

export function Failed({ problem, again }: { problem: ProblemDocument; again?: () => void }) {
  return (
    <div class="failed" role="alert">
      <h3>{problem.title}</h3>
      <p>{problem.detail}</p>
      {problem.errors && problem.errors.length > 1 && (
        <ul>
          {problem.errors.map((one) => <li key={one.pointer}><code>{one.pointer}</code> {one.detail}</li>)}
        </ul>
      )}
      {problem.request_id && <p class="faint">request {problem.request_id}</p>}
      {again && <button type="button" class="quiet" onClick={again}>Try again</button>}
    </div>
  );
}

interface PlotFigureProps {
  options: Plot.PlotOptions;
  label: string;
  summary?: string;
  /** The same numbers as rows, shown on demand. */
  table?: { columns: string[]; rows: (string | number)[][] };
}

/** A plot with its name, its finding in words, and its numbers on demand. */
export function PlotFigure({ options, label, summary, table }: PlotFigureProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const element = box.current;
    if (!element || width < 50) return;
    const drawn = Plot.plot({
      ...options,
      width,
      ariaLabel: label,
      style: { background: "transparent", color: "var(--ink)", fontSize: "12px", overflow: "visible" },
    });
    drawn.setAttribute("role", "img");
    for (const part of drawn.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
    element.replaceChildren(drawn);
    return () => drawn.remove();
  }, [options, width, label]);
  return (
    <figure class="plot">
      <div ref={box} class="canvas" />
      {summary && <figcaption>{summary}</figcaption>}
      {table && (
        <details class="numbers">
          <summary>Numbers</summary>
          <DataTable caption={label} columns={table.columns.map((title) => ({ key: title, title }))} rows={table.rows.map((row) => Object.fromEntries(row.map((cell, i) => [table.columns[i] ?? "", cell])))} />
        </details>
      )}
    </figure>
  );
}

export interface Column {
  key: string;
  title: string;
  /** What stands in a cell; text to the left, all else to the right. */
  cell?: (row: Record<string, unknown>) => ComponentChildren;
  left?: boolean;
}

interface DataTableProps {
  columns: readonly Column[];
  rows: readonly Record<string, unknown>[];
  caption: string;
  onRow?: (row: Record<string, unknown>) => void;
}

export function DataTable({ columns, rows, caption, onRow }: DataTableProps) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>{columns.map((one, i) => <th key={one.key} scope="col" class={one.left || i === 0 ? "left" : ""}>{one.title}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row, number) => (
            <tr key={number} class={onRow ? "chosen-by-click" : ""} onClick={onRow && (() => onRow(row))}>
              {columns.map((one, i) => {
                const content = one.cell ? one.cell(row) : (row[one.key] as ComponentChildren);
                const place = one.left || i === 0 ? "left" : "";
                return i === 0 ? <th key={one.key} scope="row" class={place}>{content}</th> : <td key={one.key} class={place}>{content}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Chip({ tone = "plain", children, title }: { tone?: Tone; children: ComponentChildren; title?: string }) {
  return <span class={`chip ${tone}`} title={title}>{children}</span>;
}

/** Text to copy: a command or a few lines. */
export function Code({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="code">
      <div class="code-head">
        <span>{label}</span>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            void navigator.clipboard.writeText(text).then(() => {
              setCopied(true);
              setTimeout(() => setCopied(false), 1500);
            });
          }}
        >
          {copied ? "Copied" : "Copy"}
        </button>
      </div>
      <pre tabIndex={0}><code>{text}</code></pre>
    </div>
  );
}
