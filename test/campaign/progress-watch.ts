import type { Progress } from '../../src/contract/index.ts';
import type { RoundLog } from './round-log.ts';

/** Names the direction that a progress is of; undefined while it doesn't say. */
export type DirectionOf = (progress: Progress) => string | undefined;

/** The field in which writers store empty timestamps. */
const EMPTY_TIMESTAMPS = 't';

/** Checks that no count of progress decreases, and detects progress. */
export class ProgressWatch {
  readonly #log: RoundLog;
  readonly #catalogStandsStill: boolean;
  readonly #sourceMembers: number;
  readonly #directionOf: DirectionOf;
  #direction: string | undefined;
  #inThisLife: Progress | undefined;
  #couldWrite = false;
  #committed = false;
  latest: Progress | undefined;
  movedAtMs = performance.now();
  stateSinceMs = performance.now();
  /** Times of cancelled attempts at a cutover since progress last reported a wait. */
  givenUpAtMs: number[] = [];

  /**
   * @param source  `catalogStandsStill`: whether nothing is dropped there; the number of its members
   * @param directionOf  for a reversible migration, each of whose directions has a commit of its own
   */
  constructor(
    log: RoundLog,
    { catalogStandsStill, sourceMembers }: { readonly catalogStandsStill: boolean; readonly sourceMembers: number },
    directionOf: DirectionOf = () => undefined,
  ) {
    this.#sourceMembers = sourceMembers;
    this.#log = log;
    this.#directionOf = directionOf;
    this.#catalogStandsStill = catalogStandsStill;
  }

  /** Must be called for each new process: it resumes from the last checkpoint and repeats later work. */
  newLife(): void {
    this.#inThisLife = undefined;
    this.movedAtMs = performance.now();
    this.stateSinceMs = performance.now();
  }

  /** Whether the current process has reported progress of the migration. */
  get isRunning(): boolean {
    return this.#inThisLife !== undefined;
  }

  /** The latest progress of the current process. */
  get latestInThisLife(): Progress | undefined {
    return this.#inThisLife;
  }

  take(progress: Progress): void {
    const direction = this.#directionOf(progress);
    if (direction !== undefined && direction !== this.#direction) this.#turn(direction);
    const before = this.#inThisLife;
    if (before !== undefined) this.#compare(before, progress);
    if (this.#couldWrite && !progress.canWrite && progress.state !== 'CREATED')
      this.#log.find('the destination was already open, but progress reports that it is not');
    if (this.#committed && progress.state !== 'COMMITTED' && progress.state !== 'CREATED')
      this.#log.find(`the migration was already committed, but is ${progress.state} now`);
    if (before === undefined || whatMoves(before) !== whatMoves(progress)) this.movedAtMs = performance.now();
    if (progress.waiting.length > 0) this.givenUpAtMs = [];
    else if (before?.state === 'COMMITTING' && progress.state === 'FOLLOWING' && !isAborted(progress))
      this.givenUpAtMs.push(performance.now());
    if (before?.state !== progress.state) {
      this.stateSinceMs = performance.now();
      this.#log.say(`state ${progress.state} ${outline(progress)}`);
    }
    const { mismatches } = progress.verification;
    const seen = this.latest?.verification.mismatches.found ?? 0;
    const found = mismatches.latest.slice(0, mismatches.found - seen);
    // An election shows that members disagree about an empty timestamp (docs/reference/mongodb-behaviour.md#fact-8-8).
    const unexplained = found.filter(({ path }) => this.#sourceMembers === 1 || path !== EMPTY_TIMESTAMPS);
    // No other client writes to its collections, and the engine makes no mistake.
    if (unexplained.length > 0) this.#log.find(`the verification found ${JSON.stringify(unexplained)}`);
    this.#couldWrite ||= progress.canWrite;
    this.#committed ||= progress.state === 'COMMITTED';
    this.#inThisLife = progress;
    this.latest = progress;
  }

  /** Begins with another direction of the migration. */
  #turn(direction: string): void {
    this.#direction = direction;
    this.#couldWrite = false;
    this.#committed = false;
    this.#inThisLife = undefined;
    this.latest = undefined;
  }

  #compare(before: Progress, after: Progress): void {
    if (before.state === 'CREATED') return;
    // The counts of the copy decrease only when a collection is dropped, and `restarts` reports that if documents of it had been copied. The
    // counts of done collections and indexes may decrease without a report: when nothing was copied, and when the source drops an index.
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
      if ((is[name] ?? 0) < (was[name] ?? 0)) this.#log.find(`${name} decreased from ${was[name]} to ${is[name]}`);
  }
}

/** Whether the operator has aborted the last attempt to cut over. */
function isAborted({ cutoverAttempts }: Progress): boolean {
  return cutoverAttempts.at(-1)?.result === 'ABORTED';
}

/** Returns the counts that change with a migration's progress, and its reported waits. Without other progress, changes are still read and queued. */
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
