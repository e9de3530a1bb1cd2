export type LightTone = "good" | "bad" | "open";

/** A verdict as a shape and a colour: the words beside it say the same. */
export function Light({ tone }: { tone: LightTone }) {
  return (
    <svg class="light" viewBox="0 0 12 12" aria-hidden="true">
      {tone === "good" && <circle cx="6" cy="6" r="5.5" fill="var(--good)" />}
      {tone === "open" && <path d="M6 .5 11.5 6 6 11.5 .5 6Z" fill="var(--warn)" />}
      {tone === "bad" && <rect x="1" y="1" width="10" height="10" rx="1.5" fill="var(--bad)" />}
    </svg>
  );
}
