import type { ComponentChildren } from "preact";

/** A strip of the few figures that answer the question. */
export function KeyFigures({ children }: { children: ComponentChildren }) {
  return <dl class="key-figures">{children}</dl>;
}

interface Props {
  name: string;
  children: ComponentChildren;
  /** What stands beside it, smaller. */
  beside?: ComponentChildren;
}

/** One of them. */
export function KeyFigure({ name, children, beside }: Props) {
  return (
    <div class="key-figure">
      <dt>{name}</dt>
      <dd>
        <span class="key-figure-value">{children}</span>
        {beside && <span class="key-figure-beside">{beside}</span>}
      </dd>
    </div>
  );
}
