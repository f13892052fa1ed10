import { showGates } from '../../contract/index.ts';
import type { ProgressView } from './collect.ts';
import type { ProgressRenderer, TextSink } from './renderer.ts';

/** Writes one JSON object a line, for programs: the engine's snapshot with rates and ETA, at each change of stage and every second. */
export class JsonRenderer implements ProgressRenderer {
  readonly everyMs = 500;
  readonly #sink: TextSink;
  #shown: ProgressView | undefined;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  show(view: ProgressView): void {
    const due = this.#shown === undefined || view.atMs - this.#shown.atMs >= 1_000;
    if (due || view.stage !== this.#shown?.stage) this.finish(view);
  }

  finish(view: ProgressView): void {
    this.#shown = view;
    const { atMs, progress, ...derived } = view;
    const { rates, readiness, ...snapshot } = progress;
    this.#sink.write(
      `${JSON.stringify({ type: 'progress', time: new Date(atMs).toISOString(), ...derived, ...rates, ...snapshot, readiness: showGates(readiness) })}\n`,
    );
  }
}
