import type { ProgressView } from './collect.ts';

/** Shows views to a person or a program. One interface, so that who watches a migration does not care where it is shown. */
export interface ProgressRenderer {
  /** How often it wants a view. */
  readonly everyMs: number;
  /** Shows a view, or leaves it out. */
  show(view: ProgressView): void;
  /** Shows the last one, and gives the terminal back. */
  finish(view: ProgressView): void;
}

/** The part of a stream that renderers need. */
export interface TextSink {
  write(text: string): unknown;
}
