import { randomBytes } from 'node:crypto';
import type { Document, Timestamp } from 'mongodb';
import { type Catalog, CONFIG } from './catalog.ts';
import { ChangeStream } from './change-stream.ts';
import type { ClusterClock } from './cluster-clock.ts';
import type { Context } from './context.ts';
import { decodeExactly } from './elements.ts';
import { withPostImage } from './post-image.ts';
import { Refusal } from './refusal.ts';
import type { Request } from './request.ts';
import { StreamPart } from './stream-part.ts';

/** How long a `getMore` waits for events by default. As in the server. */
const AWAIT_MS = 1_000;

/** Completes an event for the client. */
type Finish = (event: Buffer, context: Context) => Promise<Buffer>;

const FOR_MERGE = { cursor: {}, fromMongos: true, needsMerge: true };

/**
 * The open change streams of one router. A shard's own router code aborts its process when it merges a stream, so that the router opens
 * each shard's half of it and merges them itself.
 */
export class ChangeStreams {
  readonly #catalog: Catalog;
  readonly #clock: ClusterClock;
  readonly #open = new Map<string, { readonly stream: ChangeStream; readonly finish: Finish }>();

  constructor(catalog: Catalog, clock: ClusterClock) {
    this.#catalog = catalog;
    this.#clock = clock;
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  /** Answers an `aggregate` whose first stage is `$changeStream`. */
  async open(request: Request): Promise<Document> {
    const command = decodeExactly(request.body);
    const [{ $changeStream }, ...stages] = command.pipeline;
    const { spec, finish } = lookUpsOf($changeStream, stages);
    // Before the list of shards: a shard that is added between the two is found by both, and read once.
    const now = await this.#configTime();
    const shards = await this.#catalog.shards();
    const from = spec.resumeAfter ?? spec.startAfter;
    const startAtOperationTime: Timestamp = spec.startAtOperationTime ?? now;
    const begin = from?._data ?? tokenAt(startAtOperationTime);
    const { aggregate, $db, collation, comment, readConcern = { level: 'majority' } } = command;
    const common = { ...FOR_MERGE, collation, comment, readConcern };
    const ofShard = (start: Document) => ({
      aggregate,
      pipeline: [{ $changeStream: { ...spec, ...start } }, ...stages],
      ...common,
      $db,
    });
    const openPart = async (shard: string, command: Document, token: string) =>
      await StreamPart.open(await this.#catalog.dial(shard), command, request.raw('lsid'), token, this.#clock);
    const parts = await allOrNone(
      shards.map((shard) => openPart(shard, ofShard(from ? {} : { startAtOperationTime }), begin)),
    );
    const [topology] = await allOrNone([openPart(CONFIG, topologyCommand(now), tokenAt(now))]).catch((error) => {
      for (const part of parts) part.close();
      throw error;
    });
    const known = new Set(shards);
    const newShards = {
      isTopology: (part: StreamPart) => part === topology,
      open: async ({ operationType, documentKey, clusterTime }: Document) => {
        if (operationType !== 'insert' || known.has(documentKey._id)) return undefined;
        known.add(documentKey._id);
        const start = { startAtOperationTime: clusterTime, resumeAfter: undefined, startAfter: undefined };
        return await openPart(documentKey._id, ofShard(start), tokenAt(clusterTime));
      },
    };
    const id = randomCursorId();
    const collection = typeof aggregate === 'string' ? aggregate : '$cmd.aggregate';
    const all = topology ? [...parts, topology] : parts;
    const stream = new ChangeStream(id, `${$db}.${collection}`, all, begin, newShards);
    this.#open.set(id, { stream, finish });
    return stream.opened();
  }

  /** Answers a `getMore`. */
  async more(request: Request, context: Context): Promise<Buffer> {
    const id = request.cursorId;
    const open = this.#open.get(id);
    if (!open) throw new Refusal(43, 'CursorNotFound', `cursor id ${id} not found`);
    try {
      const [batchSize, maxTimeMS] = [request.get('batchSize') ?? 0, request.get('maxTimeMS') ?? AWAIT_MS];
      return await open.stream.more(Number(batchSize), Number(maxTimeMS), (event) => open.finish(event, context));
    } catch (error) {
      this.close(id);
      throw error;
    }
  }

  close(id: string): void {
    this.#open.get(id)?.stream.close();
    this.#open.delete(id);
  }

  closeAll(): void {
    for (const id of this.#open.keys()) this.close(id);
  }

  async #configTime(): Promise<Timestamp> {
    const { $clusterTime } = await this.#catalog.run('admin', { ping: 1 });
    return $clusterTime.clusterTime;
  }
}

/** Takes the look-ups out of what the shards do. @throws Refusal when later stages need their results */
function lookUpsOf(spec: Document, stages: readonly Document[]): { spec: Document; finish: Finish } {
  const { fullDocument, ...rest } = spec;
  if (fullDocument !== 'updateLookup') return { spec, finish: async (event) => event };
  if (stages.length === 0) return { spec: rest, finish: withPostImage };
  throw new Refusal(238, 'NotImplemented', 'a stream with updateLookup has no other stages here');
}

/** The stream by which routers learn of shards that join. */
function topologyCommand(startAtOperationTime: Timestamp): Document {
  const pipeline = [{ $changeStream: { startAtOperationTime, allowToRunOnConfigDB: true } }];
  return { aggregate: 'shards', pipeline, ...FOR_MERGE, readConcern: { level: 'majority' }, $db: 'config' };
}

/** Returns the token that precedes all events of a cluster time. */
function tokenAt(time: Timestamp): string {
  const hex = time.toBigInt().toString(16).toUpperCase().padStart(16, '0');
  return `82${hex}2B0229296E04`;
}

/** Waits for all parts. When one can't be opened, closes the others. */
async function allOrNone(opening: readonly Promise<StreamPart>[]): Promise<StreamPart[]> {
  const results = await Promise.allSettled(opening);
  const parts = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return parts;
  for (const part of parts) part.close();
  throw failed.reason;
}

function randomCursorId(): string {
  return (randomBytes(8).readBigInt64LE() & 0x7fff_ffff_ffff_ffffn).toString();
}
