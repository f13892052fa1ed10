import type { DocumentDifference, VerificationReport, Wait } from '../../contract/index.ts';
import { type Clock, failpoint, type Logger, messageOf, systemClock, UserError } from '../../platform/index.ts';
import { TaskGroup } from '../concurrency/task-group.ts';
import { Throttle } from '../concurrency/throttle.ts';
import type { ClusterAddresses } from '../mongodb/connect.ts';
import { Retrier } from '../mongodb/retry.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import { type DocumentFilter, DocumentFilters } from '../scope/document-filters.ts';
import { NamespaceMap, type NamespaceRemap } from '../scope/namespace-map.ts';
import { type NamespaceFilters, Selection } from '../scope/selection.ts';
import { Comparison, type Phase, type Proof } from './comparison.ts';
import type { ComparisonContext } from './comparison-context.ts';
import { Differences } from './differences.ts';
import { type Accepted, type OpenedSides, openSides } from './open-sides.ts';
import { type BothCatalogs, readCatalogs } from './paired-catalog.ts';
import { Pairs } from './pairs.ts';
import { PairKeys } from './pending-keys.ts';
import { PairRechecks } from './rechecks.ts';
import { refuseRepairs } from './refuse-repairs.ts';
import { Repairer } from './repairer.ts';
import { reportOf } from './report-of.ts';
import type { SavedState } from './saved-state.ts';
import { WatchedSide } from './watched-side.ts';

/** The clusters to compare, and how to compare them. */
export interface VerifyOptions extends ClusterAddresses, Accepted {
  /** The compared namespaces, by their names on the source; everything by default. */
  readonly filters?: NamespaceFilters;
  readonly documentFilters?: readonly DocumentFilter[];
  readonly namespaceRemap?: readonly NamespaceRemap[];
  /** Whether the destination may have collections that the source doesn't have. */
  readonly keepDestination?: boolean;
  readonly usersAndRoles?: boolean;
  /** Whether to write the source's documents to the destination where they differ. */
  readonly repair?: boolean;
  /** Whether to continue with comparing changes until the run is stopped. */
  readonly follow?: boolean;
  /** Limit of reads on each side; none by default. */
  readonly bytesPerSecond?: number;
  /** How long a difference must last before it counts. */
  readonly settleMs: number;
  /** Resumes an earlier run, whose state is in that file. */
  readonly resume?: { readonly state: SavedState; readonly file: string };
  /** Receives the state to resume from, every few seconds and at the end of a run that was stopped. */
  readonly save?: (state: SavedState) => void;
  /** Receives each result of a run that follows changes. */
  readonly onReport?: (report: VerificationReport) => void;
  readonly logger: Logger;
  readonly clock?: Clock;
}

export interface ClusterVerificationProgress {
  readonly phase: Phase | 'CONNECTING';
  readonly collections: number;
  readonly collectionsDone: number;
  readonly documents: number;
  readonly bytes: number;
  /** Keys that will be read again. */
  readonly pending: number;
  readonly rechecked: number;
  readonly differences: number;
  readonly waiting: readonly Wait[];
}

/** The result of a run. */
export interface Verified {
  readonly report: VerificationReport;
  /** All that are listed, also repaired ones. */
  readonly differences: readonly DocumentDifference[];
}

const CHUNK_BYTES = 4 * 1024 * 1024;
const LEAST_CHUNK_BYTES = 100_000;
const SAVE_EVERY_MS = 3_000;
const FOLLOW_EVERY_MS = 2_000;
const MOST_RESTARTS = 3;

/** Compares two clusters, at rest or while they change. Writes nothing unless it repairs. */
export class ClusterVerification {
  readonly #options: VerifyOptions;
  readonly #clock: Clock;
  readonly #filters: DocumentFilters;
  readonly #selection: Selection;
  readonly #namespaces: NamespaceMap;
  #context: ComparisonContext | undefined;
  #pairs: Pairs | undefined;
  #comparison: Comparison | undefined;

  /** @throws UserError INVALID_FILTER, INVALID_DOCUMENT_FILTER, INVALID_REMAP */
  constructor(options: VerifyOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#filters = new DocumentFilters(options.documentFilters);
    this.#selection = new Selection(options.filters);
    this.#namespaces = new NamespaceMap(options.namespaceRemap);
  }

  /** Returns a snapshot; cheap, at any time. */
  progress(): ClusterVerificationProgress {
    const pairs = this.#pairs?.all ?? [];
    const compared = pairs.map((pair) => pair.compared);
    return {
      phase: this.#comparison?.phase ?? 'CONNECTING',
      collections: pairs.length,
      collectionsDone: pairs.filter(({ state }) => state === 'compared').length,
      documents: compared.reduce((sum, { documents }) => sum + documents, 0),
      bytes: compared.reduce((sum, { bytes }) => sum + bytes, 0),
      pending: this.#context?.pending.size ?? 0,
      rechecked: pairs.reduce((sum, { rechecked }) => sum + rechecked, 0),
      differences: this.#context?.differences.remaining() ?? 0,
      waiting: [
        ...(this.#context?.retrier.waits ?? []),
        ...(this.#context?.pending.wait ? [this.#context.pending.wait] : []),
      ],
    };
  }

  /**
   * Runs until everything is compared, or until the signal aborts. A report of a run that was stopped before that says
   * that it is unfinished.
   * @throws UserError when the clusters can't be compared
   */
  async run(stop: AbortSignal): Promise<Verified> {
    const { source, destination, namespaceRemap = [], repair, logger } = this.#options;
    try {
      await using sides = await openSides({ source, destination }, namespaceRemap.length > 0, this.#options);
      // Refuses before hours of reading.
      if (repair) await refuseRepairs(sides);
      let saved = this.#resumedState(sides);
      for (let restarts = 0; ; restarts += 1) {
        try {
          return await this.#run(sides, saved, stop);
        } catch (error) {
          const isLost = error instanceof UserError && error.code === 'VERIFICATION_HISTORY_LOST';
          if (!isLost || restarts >= MOST_RESTARTS) throw error;
          logger.warn({ event: 'comparison.restarted', error: messageOf(error) }, 'The comparison starts anew');
          saved = undefined;
        }
      }
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
      throw new UserError('VERIFICATION_REFUSED', ['cluster', messageOf(error)], { cause: error });
    }
  }

  async #run(sides: OpenedSides, saved: SavedState | undefined, stop: AbortSignal): Promise<Verified> {
    const { bytesPerSecond = Number.POSITIVE_INFINITY, logger, settleMs, repair, follow, save } = this.#options;
    const clock = this.#clock;
    const group = new TaskGroup();
    const signal = AbortSignal.any([stop, group.signal]);
    const context: ComparisonContext = {
      source: sides.source,
      destination: sides.destination,
      retrier: new Retrier(clock, logger, signal),
      clock,
      logger,
      signal,
      pending: new PairKeys(clock),
      differences: new Differences(saved?.differences),
      settleMs,
      chunkBytes: Math.min(CHUNK_BYTES, Math.max(LEAST_CHUNK_BYTES, bytesPerSecond / 4)),
      save: () => save?.(stateNow()),
    };
    const pairs = new Pairs(context, this.#filters, saved?.pairs ?? []);
    await using source = new WatchedSide(context, sides.source, this.#selection);
    await using destination = new WatchedSide(context, sides.destination, this.#selection);
    const comparison = new Comparison(context, {
      pairs,
      watches: [source, destination],
      throttle: new Throttle(bytesPerSecond, clock),
      readCatalogs: () => this.#readCatalogs(context),
    });
    this.#context = context;
    this.#pairs = pairs;
    this.#comparison = comparison;
    const startedAtMs = saved?.startedAtMs ?? clock.now();
    const beganAtMs = clock.elapsed() - (saved?.ranMs ?? 0);
    const stateNow = (): SavedState => ({
      subject: this.#subject(sides),
      startedAtMs,
      ranMs: clock.elapsed() - beganAtMs,
      source: source.saved(),
      destination: destination.saved(),
      pairs: pairs.all
        .filter(({ state }) => state !== 'waiting')
        .map((pair) => pair.saved(context.pending.oldestChunk(pair))),
      differences: context.differences.saved,
    });
    const report = (proof: Proof | undefined): Verified => ({
      report: reportOf(context, pairs.all, proof, {
        startedAtMs,
        ranMs: clock.elapsed() - beganAtMs,
        selection: this.#shownSelection(),
      }),
      differences: [...context.differences.listed, ...pairs.all.flatMap(({ order }) => order?.disorder ?? [])],
    });
    let verified: Verified | undefined;
    let hasStarted = false;
    await group.start(async () => {
      // The streams begin before anything is read. A resumed one shows changes of pairs, so those must be known.
      if (saved !== undefined) await comparison.adoptCatalogs();
      await source.start(saved?.source);
      await destination.start(saved?.destination);
      if (follow) refuseUnwatched(sides);
      hasStarted = true;
      // A file that can't be written shows now, not after hours.
      context.save();
      void group.start(() => source.run());
      void group.start(() => destination.run());
      void group.start(() => new PairRechecks(context, repair ? new Repairer(context) : undefined).run());
      void group.start(async () => {
        while (!signal.aborted) {
          await clock.sleep(SAVE_EVERY_MS, signal);
          context.save();
          await failpoint('engine.compare.state-saved');
        }
      });
      do {
        verified = report(await comparison.prove());
        if (follow) {
          comparison.phase = 'FOLLOWING';
          this.#options.onReport?.(verified.report);
          await clock.sleep(FOLLOW_EVERY_MS, signal);
        }
      } while (follow && !signal.aborted);
    });
    try {
      await group.stop();
    } catch (error) {
      if (!stop.aborted) throw error;
    }
    // Keys and orders that are undecided are still pending or open: a resumed run reads them again.
    const isOver = verified !== undefined && (verified as Verified).report.result !== 'UNDECIDED';
    if (hasStarted && !isOver) context.save();
    return verified ?? report(undefined);
  }
  async #readCatalogs({ source, destination, retrier }: ComparisonContext): Promise<BothCatalogs> {
    const { keepDestination = false, usersAndRoles = false } = this.#options;
    const scope = { selection: this.#selection, namespaces: this.#namespaces };
    return await readCatalogs(
      { source, destination, retrier },
      { scope, keepsDestination: keepDestination, usersAndRoles },
    );
  }

  /** @throws UserError REPORT_OF_OTHER_RUN */
  #resumedState(sides: OpenedSides): SavedState | undefined {
    const { resume } = this.#options;
    if (resume !== undefined && resume.state.subject !== this.#subject(sides)) {
      throw new UserError('REPORT_OF_OTHER_RUN', [resume.file]);
    }
    return resume?.state;
  }

  /** Returns the compared clusters and selection, as text. */
  #subject({ source, destination }: OpenedSides): string {
    const { usersAndRoles = false, keepDestination = false } = this.#options;
    const clusters = [source, destination].map(
      ({ clusterId, client }) => clusterId || client.options.hosts.map(String),
    );
    return JSON.stringify({ clusters, ...this.#shownSelection(), usersAndRoles, keepDestination });
  }

  #shownSelection(): VerificationReport['selection'] {
    const { filters, documentFilters, namespaceRemap, keepDestination, usersAndRoles } = this.#options;
    const shown = {
      includeNamespaces: filters?.include,
      excludeNamespaces: filters?.exclude,
      documentFilters,
      namespaceRemap,
      preExistingDestinationData: keepDestination,
      usersAndRoles,
    };
    return JSON.parse(JSON.stringify(shown));
  }
}

/** @throws UserError VERIFICATION_REFUSED when changes of one side can't be followed */
function refuseUnwatched({ source, destination }: OpenedSides): void {
  const unwatched = [source, destination].find(({ isWatched }) => !isWatched);
  if (unwatched !== undefined) {
    throw new UserError('VERIFICATION_REFUSED', [
      unwatched.side,
      '--follow needs a change stream of the whole cluster',
    ]);
  }
}
