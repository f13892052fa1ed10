import { messageOf } from '../../platform/index.ts';
import { describeHolder, describeReliance, foreseeClaim } from '../cutover/source-claim.ts';
import { readSourceActivity } from '../mongodb/source-activity.ts';
import { writesAreBlocked } from '../mongodb/write-block.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { LONG_TRANSACTION_SECONDS, type Measured, type MeasuredConditions } from '../report/measured-conditions.ts';

/** Each look is four small commands. A cutover looks again by itself, so older answers do no harm. */
const EVERY_MS = 10_000;
const LOOK_AGAIN_AFTER_MS = 1_000;

/** The servers' conditions for a cutover, measured while the migration follows its source. Nothing depends on this advice. */
export class CutoverConditions implements MeasuredConditions {
  readonly #context: Clusters & Records & Pace & Telling;
  readonly #log: MigrationLog;
  activity: MeasuredConditions['activity'];
  sourceBlock: MeasuredConditions['sourceBlock'];
  destinationIsBlocked: MeasuredConditions['destinationIsBlocked'];

  constructor(context: Clusters & Records & Pace & Telling, log: MigrationLog) {
    this.#context = context;
    this.#log = log;
  }

  /** Looks until the run ends. */
  async run(): Promise<void> {
    const { clock, signal, source, destination, stateChanges } = this.#context;
    while (!signal.aborted) {
      if (this.#log.record.state !== 'FOLLOWING') {
        await stateChanges.next(signal, LOOK_AGAIN_AFTER_MS);
        continue;
      }
      [this.activity, this.sourceBlock, this.destinationIsBlocked] = await Promise.all([
        this.#measure(() => readSourceActivity(source, LONG_TRANSACTION_SECONDS)),
        this.#measure(() => this.#describeSourceBlock()),
        this.#measure(() => writesAreBlocked(destination)),
      ]);
      await clock.sleep(EVERY_MS, signal);
    }
  }

  /** Returns the holder of the source's write block; undefined when it isn't set, or when the user may not ask. */
  async #describeSourceBlock(): Promise<string | undefined> {
    const { source, checkpoint } = this.#context;
    if ((await writesAreBlocked(source)) !== true) return undefined;
    const { migrationId } = checkpoint;
    const owned = await foreseeClaim(source, { id: '', migrationId, term: this.#log.record.term });
    if (owned.outcome === 'refused') return describeHolder(owned.holder);
    const reliance = owned.outcome === 'held' ? describeReliance(owned.block, migrationId) : undefined;
    return reliance ?? "the write block of the source is set, and it isn't known by whom";
  }

  async #measure<T>(look: () => Promise<T>): Promise<Measured<T>> {
    const atMs = this.#context.clock.now();
    return await look().then(
      (value) => ({ atMs, value }),
      (error: unknown) => ({ atMs, whyUnknown: messageOf(error) }),
    );
  }
}
