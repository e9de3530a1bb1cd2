import { fixed } from "../drawing/palette";

interface Props {
  ess: number;
  needed: number;
  drawn: number;
  kept: number;
  method: string;
}

const AIM = 1_000;

/** How many equal paths the weighted ones are worth, beside what an answer needs. */
export function EffectivePaths({ ess, needed, drawn, kept, method }: Props) {
  const most = Math.max(AIM, ess) * 1.05;
  const share = (value: number) => `${(100 * value) / most}%`;
  const how = method === "search" ? "drawn under moved noise" : "drawn from the model";
  return (
    <div class="effective">
      <p class="effective-value">
        <strong>{fixed(ess, 0)}</strong> effective paths
      </p>
      <svg
        class="effective-bar"
        role="img"
        aria-label={`${fixed(ess, 0)} effective paths; an answer needs ${fixed(needed, 0)}, drawing ends at ${fixed(AIM, 0)}`}
      >
        <rect class="effective-track" x="0" y="8" width="100%" height="10" rx="5" />
        <rect class="effective-fill" x="0" y="8" width={share(ess)} height="10" rx="5" />
        <line class="effective-needed" x1={share(needed)} x2={share(needed)} y1="2" y2="24" />
        <text x={share(needed)} y="38" text-anchor="middle">
          needed {fixed(needed, 0)}
        </text>
      </svg>
      <p class="faint">
        {fixed(kept, 0)} of {fixed(drawn, 0)} paths {how} count; unequal weights leave as many as{" "}
        {fixed(ess, 0)} equal ones would.
      </p>
    </div>
  );
}
