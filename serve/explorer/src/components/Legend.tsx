/** What the colours and marks of a picture stand for; never colour alone. */
export interface Mark {
  name: string;
  tone: string;
  shape?: "line" | "dot" | "hollow" | "band" | "dash" | "circle" | "diamond" | "triangle" | "square" | "times";
}

const OUTLINES: Record<string, string> = {
  diamond: "M11 1 15 6 11 11 7 6Z",
  triangle: "M11 1.5 16 10.5H6Z",
  square: "M7 2H15V10H7Z",
  times: "M7 2 15 10M15 2 7 10",
};

export function Legend({ marks }: { marks: readonly Mark[] }) {
  return (
    <ul class="keys">
      {marks.map(({ name, tone, shape = "dot" }) => (
        <li key={name}>
          <svg viewBox="0 0 22 12" aria-hidden="true">
            {shape === "line" && <line x1="1" x2="21" y1="6" y2="6" stroke={tone} stroke-width="2.5" />}
            {shape === "dash" && (
              <line x1="1" x2="21" y1="6" y2="6" stroke={tone} stroke-width="2" stroke-dasharray="3 3" />
            )}
            {shape === "band" && <rect x="1" y="1" width="20" height="10" fill={tone} opacity="0.28" />}
            {(shape === "dot" || shape === "circle") && <circle cx="11" cy="6" r="4.5" fill={tone} />}
            {shape in OUTLINES && (
              <path d={OUTLINES[shape]} fill="none" stroke={tone} stroke-width="1.8" />
            )}
            {shape === "hollow" && (
              <circle cx="11" cy="6" r="4" fill="none" stroke={tone} stroke-width="1.8" />
            )}
          </svg>
          {name}
        </li>
      ))}
    </ul>
  );
}
