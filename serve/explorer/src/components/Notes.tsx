/** What the library says beside its figures. */
export function Notes({ notes, tone = "plain" }: { notes: readonly string[]; tone?: "plain" | "warn" }) {
  if (notes.length === 0) return null;
  return (
    <ul class={`notes ${tone}`}>
      {notes.map((note) => (
        <li key={note}>{/^[a-z]{2}/.test(note) ? note.charAt(0).toUpperCase() + note.slice(1) : note}</li>
      ))}
    </ul>
  );
}
