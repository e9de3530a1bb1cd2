import { fixed } from "../drawing/palette";
import type { Analogue } from "../records/stress";

/** The real windows that are most like what was drawn. */
export function Analogues({ windows }: { windows: readonly Analogue[] }) {
  return (
    <ul class="analogues">
      {windows.map((one) => (
        <li key={one.first}>
          <span class="figure">
            {one.first} to {one.last}
          </span>{" "}
          <span class="faint">nearer than {fixed(Math.floor(10_000 * one.share_farther) / 100, 2)} % of all windows</span>
        </li>
      ))}
    </ul>
  );
}
