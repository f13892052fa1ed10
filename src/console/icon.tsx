import { type IconName, SHAPES } from './icon-shapes.ts';

/** An icon without a name of its own: the word beside it has the meaning. */
export function Icon({ name, tone = '' }: { readonly name: IconName; readonly tone?: string }) {
  return (
    <svg class={`icon ${tone}`} viewBox="0 0 16 16" aria-hidden="true">
      <path
        d={SHAPES[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

/** The mark of the product. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path
        d="M7 21c5 0 5-10 9-10s4 10 9 10"
        fill="none"
        stroke="var(--accent-ink)"
        stroke-width="3"
        stroke-linecap="round"
      />
    </svg>
  );
}
