import type { ProgressView } from './collect.ts';

/** Shows progress views to a person or a program. */
export interface ProgressRenderer {
  /** Interval between views, in milliseconds. */
  readonly everyMs: number;
  /** Shows a view, or skips it. */
  show(view: ProgressView): void;
  /** Shows the last view and releases the terminal. */
  finish(view: ProgressView): void;
}

/** The part of a stream that renderers use. */
export interface TextSink {
  write(text: string): unknown;
}
