import { STAGES } from '../../contract/index.ts';
import { CLEAR_LINE, colour, type Meaning, type Output } from '../terminal/index.ts';
import type { ProgressView } from './collect.ts';
import { describeView } from './describe.ts';
import { formatSeconds } from './format.ts';
import type { ProgressRenderer, TextSink } from './renderer.ts';

/** The part of a terminal that the renderer uses. */
export interface Terminal extends TextSink, Output {}

/** Colours for stages that users wait for, and for those that need attention. */
const MEANINGS: Partial<Record<ProgressView['stage'], Meaning>> = {
  READY: 'good',
  COMPLETE: 'good',
  PAUSED: 'warning',
  WAITING: 'warning',
  DROPS_HELD: 'warning',
  CANCELLED: 'warning',
  DIFFERENT: 'error',
  AGENT_LOST: 'error',
  COMPLETE_WITH_PROBLEMS: 'error',
  FAILED: 'error',
  EXPIRED: 'error',
};
const WORD_COLUMNS = 18;

/** Redraws one line. The line of a finished stage stays. */
export class TtyRenderer implements ProgressRenderer {
  readonly everyMs = 200;
  readonly #terminal: Terminal;
  #shown: ProgressView | undefined;
  #stageBeganAtMs = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(view: ProgressView): void {
    if (view.stage !== this.#shown?.stage) {
      if (this.#shown) this.#terminal.write('\n');
      this.#stageBeganAtMs = view.atMs;
    }
    this.#shown = view;
    this.#terminal.write(CLEAR_LINE + this.#line(view));
  }

  finish(view: ProgressView): void {
    this.show(view);
    this.#terminal.write('\n');
  }

  #line(view: ProgressView): string {
    const elapsed = formatSeconds((view.atMs - this.#stageBeganAtMs) / 1000);
    // A line as wide as the terminal may wrap, and then it could not be redrawn.
    const room = (this.#terminal.columns ?? 80) - 1;
    const word = STAGES[view.stage];
    let line = `${word.padEnd(WORD_COLUMNS)} ${elapsed}`.slice(0, room);
    for (const fact of [bar(view.fraction, room < 100 ? 10 : 24), ...describeView(view)]) {
      if (fact !== '' && line.length + 2 + fact.length <= room) line += `  ${fact}`;
    }
    const meaning = view.progress.waiting.length > 0 ? 'warning' : MEANINGS[view.stage];
    return meaning ? colour(meaning, word, this.#terminal) + line.slice(word.length) : line;
  }
}

function bar(fraction: number | null, width: number): string {
  if (fraction === null) return '';
  const full = Math.floor(fraction * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}] ${Math.floor(fraction * 100)} %`;
}
