import type { MongoClient } from 'mongodb';
import type { Shard } from '../../contract/index.ts';
import type { Clock } from '../../platform/index.ts';
import type { ShardAnswer } from '../mongodb/shard-clients.ts';
import type { OplogLook } from './oplog-gauge.ts';
import { lookAtServer, type OperationCounts } from './oplog-look.ts';
import { WatchedOplog } from './watched-oplog.ts';

const RATES_OVER_MS = 60_000;

/** One look at a shard. */
export interface ShardLook {
  readonly server: OplogLook & OperationCounts;
  readonly pingMs: number;
}

/** Asks a shard for the figures that {@link ShardMeter} needs. */
export async function lookAtShard(client: MongoClient, clock: Clock): Promise<ShardLook> {
  const server = await lookAtServer(client);
  const sentAtMs = clock.elapsed();
  await client.db('admin').command({ ping: 1 });
  return { server, pingMs: clock.elapsed() - sentAtMs };
}

interface Mark extends OperationCounts {
  readonly atMs: number;
  readonly written: number;
}

/** Turns the looks at one shard into figures. */
export class ShardMeter {
  readonly #shard: string;
  readonly oplog: WatchedOplog;
  #marks: readonly Mark[] = [];
  #pingMs: number | null = null;

  constructor(shard: string) {
    this.#shard = shard;
    this.oplog = new WatchedOplog(`the oplog of the shard ${shard}`);
  }

  get figures(): Shard {
    const { headroom, unseen } = this.oplog;
    const isKnown = unseen === undefined;
    return {
      shard: this.#shard,
      whyUnknown: unseen?.why ?? null,
      oplog: headroom,
      rates: isKnown ? this.#rates : null,
      pingMs: isKnown ? this.#pingMs : null,
    };
  }

  /**
   * @param safe  the time, in seconds, before which the oplog isn't needed any more
   * @param now  both clocks of this host
   */
  take(
    answer: ShardAnswer<ShardLook>,
    safe: number,
    now: { readonly elapsedMs: number; readonly wallMs: number },
  ): void {
    if ('unseen' in answer) {
      this.oplog.missed(answer.unseen);
      return;
    }
    const { server, pingMs } = answer.value;
    this.oplog.measured(server, safe, now.wallMs);
    this.#pingMs = Math.round(pingMs * 10) / 10;
    const { writes, reads, written } = server;
    const [oldest] = this.#marks;
    // After a restart, and on another primary, the counts begin anew.
    const isSame =
      oldest === undefined || (writes >= oldest.writes && reads >= oldest.reads && written >= oldest.written);
    const kept = isSame ? this.#marks.filter(({ atMs }) => atMs >= now.elapsedMs - RATES_OVER_MS) : [];
    this.#marks = [...kept, { atMs: now.elapsedMs, writes, reads, written }];
  }

  get #rates(): Shard['rates'] {
    const [first] = this.#marks;
    const last = this.#marks.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return null;
    const perSecond = (from: number, to: number) => Math.round((1_000 * (to - from)) / (last.atMs - first.atMs));
    return {
      writesPerSecond: perSecond(first.writes, last.writes),
      readsPerSecond: perSecond(first.reads, last.reads),
      oplogBytesPerSecond: perSecond(first.written, last.written),
    };
  }
}
