import type { Progress } from '../../src/engine/index.ts';
import type { RoundLog } from './round-log.ts';

/** Sees that progress never goes back, and whether there is any. */
export class ProgressWatch {
  readonly #log: RoundLog;
  readonly #catalogStandsStill: boolean;
  #inThisLife: Progress | undefined;
  #couldWrite = false;
  #committed = false;
  latest: Progress | undefined;
  movedAtMs = performance.now();
  stateSinceMs = performance.now();
  /** When cutovers were cancelled for now, since progress last reported what the migration waits for. */
  givenUpAtMs: number[] = [];

  /** @param catalogStandsStill  whether nobody drops anything on the source */
  constructor(log: RoundLog, catalogStandsStill: boolean) {
    this.#log = log;
    this.#catalogStandsStill = catalogStandsStill;
  }

  /** Another process resumes from the last checkpoint and repeats what came after it. */
  newLife(): void {
    this.#inThisLife = undefined;
    this.movedAtMs = performance.now();
    this.stateSinceMs = performance.now();
  }

  /** Whether the process of this life has said something of the migration. */
  get isRunning(): boolean {
    return this.#inThisLife !== undefined;
  }

  take(progress: Progress): void {
    const before = this.#inThisLife;
    if (before !== undefined) this.#compare(before, progress);
    if (this.#couldWrite && !progress.canWrite && progress.state !== 'created')
      this.#log.find('the destination was open already, and progress says that it is not');
    if (this.#committed && progress.state !== 'committed' && progress.state !== 'created')
      this.#log.find(`the migration was committed already, and is ${progress.state} now`);
    if (before === undefined || whatMoves(before) !== whatMoves(progress)) this.movedAtMs = performance.now();
    if (progress.waiting.length > 0) this.givenUpAtMs = [];
    else if (before?.state === 'committing' && progress.state === 'tailing') this.givenUpAtMs.push(performance.now());
    if (before?.state !== progress.state) {
      this.stateSinceMs = performance.now();
      this.#log.say(`state ${progress.state} ${outline(progress)}`);
    }
    const { mismatches } = progress.verification;
    const seen = this.latest?.verification.mismatches.found ?? 0;
    // Nobody else writes to its collections, and the engine makes no mistake.
    if (mismatches.found > seen)
      this.#log.find(`the verification found ${JSON.stringify(mismatches.latest.slice(0, mismatches.found - seen))}`);
    this.#couldWrite ||= progress.canWrite;
    this.#committed ||= progress.state === 'committed';
    this.#inThisLife = progress;
    this.latest = progress;
  }

  #compare(before: Progress, after: Progress): void {
    if (before.state === 'created') return;
    // What is copied grows smaller when a collection is dropped, and only then: that is told, unless nothing of it was copied. Such a collection
    // and its indexes are gone from what is done without a word, as are indexes that the source drops.
    const told = after.copy.restarts > before.copy.restarts;
    const counts = ({ copy, changes, indexes }: Progress) => ({
      restarts: copy.restarts,
      ...(told
        ? {}
        : {
            documentsCopied: copy.documentsCopied,
            bytesCopied: copy.bytesCopied,
            partitionsDone: copy.partitionsDone,
            ...(this.#catalogStandsStill ? { collectionsDone: copy.collectionsDone, indexesBuilt: indexes.built } : {}),
          }),
      read: changes.read,
      applied: changes.applied,
      duringCopy: changes.duringCopy,
    });
    const [was, is] = [counts(before), counts(after)];
    for (const name of Object.keys(was) as (keyof typeof was)[])
      if ((is[name] ?? 0) < (was[name] ?? 0)) this.#log.find(`${name} went back from ${was[name]} to ${is[name]}`);
  }
}

/** What brings a migration on, and what it says that it waits for. Changes are read and queued even while nothing else goes on. */
function whatMoves({ state, copy, changes, indexes, repairs, cutover, waiting }: Progress): string {
  const { bytesCopied, partitionsDone, collectionsDone } = copy;
  const { built, building } = indexes;
  return JSON.stringify([
    state,
    bytesCopied,
    partitionsDone,
    collectionsDone,
    built,
    building,
    changes.applied,
    repairs,
    cutover,
    waiting,
  ]);
}

function outline({ state, copy, changes, indexes, cutover, warnings }: Progress): string {
  const { bytesCopied, collectionsDone, collectionsTotal } = copy;
  const { read, applied, queued } = changes;
  return JSON.stringify([
    state,
    bytesCopied,
    collectionsDone,
    collectionsTotal,
    read,
    applied,
    queued,
    indexes.built,
    cutover,
    warnings.length,
  ]);
}
