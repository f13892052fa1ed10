import type { OutputFormat } from '../progress/index.ts';
import { tell } from '../terminal/index.ts';
import { type EntryState, entryData, waitsOf } from './fleet-state.ts';

/** Tells each change of an entry's state: people on stderr, programs as JSON lines on stdout. */
export class FleetProgress {
  readonly #format: OutputFormat;
  /** The last state of each entry; the states of all after the last look. */
  #last: readonly EntryState[] = [];

  constructor(format: OutputFormat) {
    this.#format = format;
  }

  get last(): readonly EntryState[] {
    return this.#last;
  }

  show(states: readonly EntryState[]): void {
    const before = new Map(this.#last.map((one) => [one.entry, shownOf(one)]));
    const changed = states.filter((one) => before.get(one.entry) !== shownOf(one));
    this.#last = states;
    for (const one of changed) {
      if (this.#format === 'json') process.stdout.write(`${JSON.stringify({ type: 'progress', ...entryData(one) })}\n`);
      else if (one.state !== 'WAITING') tell('linkspan', sentenceOf(one), one.state === 'FAILED' ? 'error' : 'note');
    }
  }
}

/** Returns the part of an entry's state whose change is told. */
function shownOf(one: EntryState): string {
  return `${one.state} ${one.migration?._id} ${waitsOf(one)}`;
}

function sentenceOf(one: EntryState): string {
  const { entry, wave, agent, state, migration, failure } = one;
  const named = `entry ${entry} of wave ${wave}`;
  if (failure !== undefined) {
    const { message, remedy, code } = failure.error;
    return `${named} failed: ${[message, remedy].filter((text) => text !== '').join(' ')} [${code}]`;
  }
  const words = { WAITING: 'waits', RUNNING: 'runs', READY: 'is ready for the cutover', COMPLETE: 'is complete' };
  const waits = state === 'RUNNING' && waitsOf(one) !== '' ? `, and waits for ${waitsOf(one)}` : '';
  return `${named} ${state === 'FAILED' ? 'failed' : words[state]} on ${agent} (${migration?._id})${waits}`;
}
