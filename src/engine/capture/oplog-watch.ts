import type { Timestamp } from 'mongodb';
import type { Oplog, Shard } from '../../contract/index.ts';
import { messageOf, UserError } from '../../platform/index.ts';
import { describeUnseen, type ShardAnswer, shardsOf } from '../mongodb/shard-clients.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import { lowestHeadroom } from './oplog-gauge.ts';
import { lookAtServer, secondsOf } from './oplog-look.ts';
import { lookAtShard, ShardMeter } from './shard-figures.ts';
import { WatchedOplog } from './watched-oplog.ts';

const EVERY_MS = 10_000;

/**
 * Watches how much of the source's oplog is left before it no longer reaches back to the stream's position
 * (docs/reference/pitfalls.md#pitfall-2). Each shard of a sharded source has an oplog of its own, which the shard itself shows.
 */
export class OplogWatch {
  readonly #context: Clusters & Pace & Telling;
  readonly #safeTime: () => Timestamp;
  readonly #oplog = new WatchedOplog("the source's oplog");
  #shards: ReadonlyMap<string, ShardMeter> = new Map();
  /** Why the routers don't say which shards there are; undefined when they do. */
  #whyNoShards: string | undefined;

  /** @param safeTime  the time up to which changes are safe on the destination */
  constructor(context: Clusters & Pace & Telling, safeTime: () => Timestamp) {
    this.#context = context;
    this.#safeTime = safeTime;
  }

  /** The last measurement; null while unknown. On a sharded source it is that of the worst shard, and known only with all shards. */
  get headroom(): Oplog | null {
    const { shards } = this;
    return shards === undefined ? this.#oplog.headroom : lowestHeadroom(shards);
  }

  /** Undefined for a replica set. Empty before the first look, and while the routers don't say which shards there are. */
  get shards(): readonly Shard[] | undefined {
    if (!isSharded(this.#context.source)) return undefined;
    return this.#meters.map(({ figures }) => figures);
  }

  /** Warnings for the operator, while too little is left, or the amount is unknown. */
  get warnings(): readonly string[] {
    const meters = this.#meters;
    const oplogs = [this.#oplog, ...meters.map(({ oplog }) => oplog)];
    const why = this.#oplog.unseen?.why ?? this.#whyNoShards;
    const which = describeUnseen(meters.map(({ figures: { shard, whyUnknown } }) => ({ shard, whyUnknown })));
    return [
      ...(why === undefined ? [] : [`How much of the source's oplog is left is not known: ${why}`]),
      ...(which === undefined ? [] : [new UserError('SHARD_OPLOGS_UNSEEN', [which]).message]),
      ...oplogs.flatMap(({ warning }) => warning ?? []),
    ];
  }

  /** Measures until the run ends, also while it is paused. */
  async watch(): Promise<void> {
    const { clock, signal, source } = this.#context;
    while (!signal.aborted) {
      await (isSharded(source) ? this.#lookAtShards() : this.#look());
      await clock.sleep(EVERY_MS, signal);
    }
  }

  get #meters(): readonly ShardMeter[] {
    return this.#whyNoShards === undefined ? [...this.#shards.values()] : [];
  }

  async #look(): Promise<void> {
    const { clock, source } = this.#context;
    try {
      const look = await lookAtServer(source);
      this.#noting(this.#oplog, {}, () => this.#oplog.measured(look, secondsOf(this.#safeTime()), clock.now()));
    } catch (error) {
      this.#oplog.missed({ why: messageOf(error), detail: messageOf(error) });
    }
  }

  async #lookAtShards(): Promise<void> {
    const { clock, source, signal } = this.#context;
    try {
      const answers = await shardsOf(source).ask((client) => lookAtShard(client, clock));
      if (signal.aborted) return;
      this.#whyNoShards = undefined;
      const measured = answers.map((answer) => {
        const meter = this.#shards.get(answer.shard) ?? new ShardMeter(answer.shard);
        this.#take(answer, meter);
        return [answer.shard, meter] as const;
      });
      this.#shards = new Map(measured);
    } catch (error) {
      this.#whyNoShards = messageOf(error);
    }
  }

  #take(answer: ShardAnswer<Awaited<ReturnType<typeof lookAtShard>>>, meter: ShardMeter): void {
    const { clock, logger } = this.#context;
    const { shard } = answer;
    const before = meter.oplog.unseen;
    const now = { elapsedMs: clock.elapsed(), wallMs: clock.now() };
    this.#noting(meter.oplog, { shard }, () => meter.take(answer, secondsOf(this.#safeTime()), now));
    const { unseen } = meter.oplog;
    if (unseen !== undefined && unseen.why !== before?.why)
      logger.warn({ event: 'oplog.shard_unseen', shard, reason: unseen.detail }, 'A shard does not show its oplog');
  }

  /** Logs when an oplog becomes low, and when it has recovered. */
  #noting(oplog: WatchedOplog, which: { readonly shard?: string }, measure: () => void): void {
    const { logger } = this.#context;
    const wasLow = oplog.isLow;
    measure();
    const { headroom } = oplog;
    if (headroom === null || oplog.isLow === wasLow) return;
    const { windowSeconds, leftSeconds, headroomPercent } = headroom;
    const fields = { ...which, windowSeconds, leftSeconds, headroomPercent };
    if (oplog.isLow)
      logger.warn({ event: 'oplog.headroom_low', ...fields }, 'The oplog of the source has too little headroom');
    else logger.info({ event: 'oplog.headroom_recovered', ...fields }, 'The oplog of the source has headroom again');
  }
}
