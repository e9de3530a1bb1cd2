/** Rows of figures with their intervals, several series side by side in each row. */

import * as Plot from "@observablehq/plot";
import { type EstimateRecord, interval } from "../records/estimate";
import { INK, percentTicks } from "./palette";

export interface Dotted {
  name: string;
  series: string;
  x: number | null;
  span: [number, number] | null;
}

export interface Series {
  name: string;
  tone: string;
  /** Drawn behind the others, as a band without a mark. */
  isBand?: boolean;
  symbol?: "circle" | "diamond" | "triangle" | "square" | "times";
}

type TickFormat = (value: number, index: number, all?: readonly number[]) => string;

export interface Rows {
  rows: Dotted[];
  series: Series[];
  label: string;
  /** Room for names, if not as much as they need. */
  marginLeft?: number;
  /** Where a rule stands, 0 if not given. */
  rule?: number;
  format?: TickFormat;
  /** What the rule is. */
  ruleLabel?: string;
  /** Whether the marks of a row share one line; else they stand below each other. */
  isFlat?: boolean;
}

export function dotted(name: string, series: string, figure: EstimateRecord): Dotted {
  return { name, series, x: figure.estimate, span: interval(figure) };
}

/** One row a name, one mark a series, whiskers at 95 %; the first series is filled. */
export function dottedOptions(asked: Rows): Plot.PlotOptions {
  const { rows, series, label, rule = 0, format = percentTicks } = asked;
  const names = [...new Set(rows.map((row) => row.name))];
  const { room, texts, lines } = labelled(names);
  const between = series.length > 1 && !asked.isFlat ? names.slice(1).map((_, i) => i + 0.5) : [];
  const marks: Plot.Markish[] = [
    Plot.ruleY(between, { stroke: INK.rule, strokeOpacity: 0.45 }),
    Plot.ruleX([rule], { stroke: INK.rule, strokeWidth: 1.5 }),
  ];
  if (asked.ruleLabel) {
    marks.push(
      Plot.text([rule], {
        x: (value: number) => value,
        text: [asked.ruleLabel],
        frameAnchor: "top",
        dy: -13,
        fill: INK.text,
        fontWeight: 600,
      }),
    );
  }
  series.forEach((one, k) => {
    const offset = asked.isFlat || series.length < 2 ? 0 : (k / (series.length - 1) - 0.5) * 0.52;
    const own = rows.filter((row) => row.series === one.name && row.x !== null);
    if (one.isBand) {
      marks.unshift(bandOf(one, own, (row) => names.indexOf(row.name)));
      return;
    }
    marks.push(...marksOf(one, own, k === 0, (row) => names.indexOf(row.name) + offset));
  });
  return {
    height: 72 + names.length * Math.max(20, 15 * lines, asked.isFlat ? 24 : 13 * series.length),
    marginLeft: asked.marginLeft ?? room,
    marginTop: 18,
    marginBottom: 46,
    x: { label, labelOffset: 40, tickFormat: format, grid: true },
    y: {
      label: null,
      domain: [names.length - 0.5, -0.5],
      ticks: names.map((_, i) => i),
      tickFormat: (i: number) => texts[i] ?? "",
      tickSize: 0,
    },
    marks,
  };
}

const [CHARACTER, GAP] = [6.2, 16];

/** Names of rows: as much room as the longest needs, broken into lines where that is too much. */
function labelled(names: readonly string[]): { room: number; texts: string[]; lines: number } {
  const longest = Math.max(...names.map((name) => name.length));
  const most = window.innerWidth < 640 ? 0.36 * window.innerWidth : 300;
  const room = Math.max(60, Math.min(most, CHARACTER * longest + GAP));
  const texts = names.map((name) => broken(name, Math.floor((room - GAP) / CHARACTER)));
  return { room, texts, lines: Math.max(...texts.map((text) => text.split("\n").length)) };
}

function broken(text: string, width: number): string {
  let line = "";
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}

function bandOf(one: Series, own: Dotted[], y: (row: Dotted) => number): Plot.Markish {
  return Plot.link(
    own.filter((row) => row.span !== null),
    {
      x1: (row: Dotted) => row.span?.[0],
      x2: (row: Dotted) => row.span?.[1],
      y1: y,
      y2: y,
      stroke: one.tone,
      strokeWidth: 14,
      strokeOpacity: 0.22,
    },
  );
}

function marksOf(
  one: Series,
  own: Dotted[],
  isFirst: boolean,
  y: (row: Dotted) => number,
): Plot.Markish[] {
  return [
    Plot.link(
      own.filter((row) => row.span !== null),
      {
        x1: (row: Dotted) => row.span?.[0],
        x2: (row: Dotted) => row.span?.[1],
        y1: y,
        y2: y,
        stroke: one.tone,
        strokeWidth: 2,
        strokeOpacity: 0.6,
      },
    ),
    Plot.dot(own, {
      x: "x",
      y,
      stroke: one.tone,
      fill: isFirst ? one.tone : INK.paper,
      symbol: one.symbol ?? "circle",
      r: isFirst ? 4 : 3.5,
      strokeWidth: 1.6,
    }),
  ];
}

const OTHERS = [
  { tone: "var(--reference)", symbol: "diamond" },
  { tone: "var(--good)", symbol: "triangle" },
  { tone: "var(--ink-muted)", symbol: "square" },
  { tone: "var(--bad)", symbol: "times" },
] as const;

/** The model filled and first, each baseline in its own tone and shape. */
export function seriesOf(samplers: readonly string[]): Series[] {
  const others = samplers.filter((name) => name !== "model");
  return samplers.map((name) => {
    if (name === "model") return { name, tone: "var(--model)", symbol: "circle" };
    const own = OTHERS[others.indexOf(name) % OTHERS.length] ?? OTHERS[0];
    return { name, ...own };
  });
}
