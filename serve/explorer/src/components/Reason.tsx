/** A short word whose reason is told on hover, on focus and to a screen reader. */
export function Reason({ short, why }: { short: string; why: string }) {
  return (
    <span class="reason" tabIndex={0} data-why={why}>
      {short}
      <span class="unseen">: {why}</span>
    </span>
  );
}
