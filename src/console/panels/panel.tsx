import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface PanelProps {
  readonly title: string;
  /** The one figure or phrase that says how it is. */
  readonly note?: ComponentChildren;
  /** Columns of twelve on a wide screen. */
  readonly columns?: 4 | 8 | 12;
  readonly children: ComponentChildren;
}

/** A titled part of a page. */
export function Panel({ title, note, columns = 12, children }: PanelProps) {
  const id = useId();
  return (
    <section class={`panel c${columns}`} aria-labelledby={id}>
      <h2 id={id}>
        {title} <span>{note}</span>
      </h2>
      {children}
    </section>
  );
}

/** A bar that shows a share. The text beside it says the same, so screen readers skip the bar. */
export function Bar({ share }: { readonly share: number | undefined }) {
  return (
    <div class="bar" aria-hidden="true">
      <i style={{ width: `${share ?? 0}%` }} />
    </div>
  );
}

/** Rows of a name and a value. @param isWide  for a panel over the whole width, where the value is too far at the other side */
export function Facts({
  isWide = false,
  children,
}: {
  readonly isWide?: boolean;
  readonly children: ComponentChildren;
}) {
  return <dl class={isWide ? 'facts wide' : 'facts'}>{children}</dl>;
}

/** One row of {@link Facts}. */
export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
