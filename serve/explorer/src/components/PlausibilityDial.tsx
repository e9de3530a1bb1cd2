import { fixed } from "../drawing/palette";
import { type EstimateRecord, interval } from "../records/estimate";

/** Powers of ten on the dial: certain at the left, one in a million at the right. */
const DECADES = 6;
const MARKS = ["1 in 1", "10", "100", "1,000", "10⁴", "10⁵", "10⁶"];
const [WIDTH, CENTRE_Y, RADIUS] = [280, 128, 92];

/** How probable a shock is for the model, on a logarithmic dial, its error as an arc. */
export function PlausibilityDial({ probability }: { probability: EstimateRecord }) {
  const p = probability.estimate ?? 0;
  const span = interval(probability);
  const [from, to] = span ? [place(span[1]), place(span[0])] : [place(p), place(p)];
  const [x, y] = point(place(p), RADIUS - 10);
  return (
    <svg
      class="dial"
      viewBox={`0 0 ${WIDTH} 150`}
      role="img"
      aria-label={`Model-implied probability ${words(p)}${spanWords(span)}`}
    >
      <path class="dial-track" d={arc(0, 1, RADIUS)} />
      <path class="dial-common" d={arc(0, 2 / DECADES, RADIUS)} />
      <path class="dial-rare" d={arc(2 / DECADES, 4 / DECADES, RADIUS)} />
      <path class="dial-extreme" d={arc(4 / DECADES, 1, RADIUS)} />
      <path class="dial-error" d={arc(from, Math.max(to, from + 0.008), RADIUS - 10)} />
      {MARKS.map((mark, i) => {
        const [tx, ty] = point(i / DECADES, RADIUS + 15);
        const anchor = i < 3 ? "end" : i > 3 ? "start" : "middle";
        return (
          <text key={mark} class="dial-mark" x={tx} y={ty + 3} text-anchor={anchor}>
            {mark}
          </text>
        );
      })}
      <line class="dial-needle" x1={WIDTH / 2} y1={CENTRE_Y} x2={x} y2={y} />
      <circle class="dial-hub" cx={WIDTH / 2} cy={CENTRE_Y} r="5" />
    </svg>
  );
}

/** A probability as odds: "about 1 in 120". */
export function words(p: number): string {
  if (p <= 0) return "below what was drawn";
  if (p > 0.2) return `${fixed(100 * p, 0)} %`;
  const odds = 1 / p;
  const size = 10 ** Math.max(0, Math.floor(Math.log10(odds)) - 1);
  return `about 1 in ${fixed(Math.round(odds / size) * size, 0)}`;
}

function spanWords(span: [number, number] | null): string {
  return span ? `, 95 % ${fixed(100 * span[0], 3)} to ${fixed(100 * span[1], 3)} %` : "";
}

function place(p: number): number {
  const decades = -Math.log10(Math.max(p, 10 ** -DECADES));
  return Math.min(1, Math.max(0, decades / DECADES));
}

function point(share: number, radius: number): [number, number] {
  const angle = Math.PI * (1 - share);
  return [WIDTH / 2 + radius * Math.cos(angle), CENTRE_Y - radius * Math.sin(angle)];
}

function arc(from: number, to: number, radius: number): string {
  const [x0, y0] = point(from, radius);
  const [x1, y1] = point(to, radius);
  return `M${x0},${y0}A${radius},${radius} 0 0 1 ${x1},${y1}`;
}
