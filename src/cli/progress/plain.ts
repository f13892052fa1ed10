import { STAGES } from '../../contract/index.ts';
import type { ProgressView } from './collect.ts';
import { describeView } from './describe.ts';
import type { ProgressRenderer, TextSink } from './renderer.ts';

/** Writes lines for a log: one at each change of stage, and one every few seconds in between when it says something new. */
export class PlainRenderer implements ProgressRenderer {
  readonly everyMs = 500;
  readonly #sink: TextSink;
  readonly #lineEveryMs: number;
  #shown: ProgressView | undefined;
  #line = '';

  constructor(sink: TextSink, lineEveryMs = 5_000) {
    this.#sink = sink;
    this.#lineEveryMs = lineEveryMs;
  }

  show(view: ProgressView): void {
    const due = this.#shown === undefined || view.atMs - this.#shown.atMs >= this.#lineEveryMs;
    if (due || view.stage !== this.#shown?.stage) this.#write(view);
  }

  finish(view: ProgressView): void {
    if (view.stage !== this.#shown?.stage) this.#write(view);
  }

  #write(view: ProgressView): void {
    this.#shown = view;
    const percent = view.fraction === null ? [] : [`${Math.floor(view.fraction * 100)} %`];
    const facts = [...percent, ...describeView(view)].join(', ');
    const word = STAGES[view.stage];
    const line = facts === '' ? word : `${word}: ${facts}`;
    if (line !== this.#line) this.#sink.write(`${line}\n`);
    this.#line = line;
  }
}
