import { type Document, Long } from 'mongodb';
import type { ClusterClock } from './cluster-clock.ts';
import { assemble, decode, elementsOf, encodeElements, valueIn } from './elements.ts';
import { Refusal, visible } from './refusal.ts';
import type { Upstream } from './upstream.ts';

/** As in the server: shards report their progress at least this often. */
const MOST_AWAIT_MS = 1_000;

/** An event of one server, with the resume token by which events of all servers are ordered. */
export interface StreamEvent {
  readonly token: string;
  readonly bytes: Buffer;
}

/** One server's half of a router's change stream: the events of its own oplog. */
export class StreamPart {
  readonly events: StreamEvent[] = [];
  readonly #upstream: Upstream;
  readonly #cursor: { readonly collection: string; readonly $db: string };
  readonly #lsid: readonly Buffer[];
  readonly #clock: ClusterClock;
  #id = Long.ZERO;
  /** Every event up to this token was received. */
  #promised: string;
  /** The promise that held before the first of `events` was received. */
  #floor: string;
  #asking: Promise<void> | undefined;
  #failure: Document | undefined;

  private constructor(
    upstream: Upstream,
    { aggregate, $db }: Document,
    lsid: readonly Buffer[],
    begin: string,
    clock: ClusterClock,
  ) {
    this.#upstream = upstream;
    this.#cursor = { collection: typeof aggregate === 'string' ? aggregate : '$cmd.aggregate', $db };
    this.#lsid = lsid;
    this.#promised = begin;
    this.#floor = begin;
    this.#clock = clock;
  }

  /**
   * Opens the stream on one server.
   * @param command `aggregate` with `fromMongos` and `needsMerge`
   * @param lsid    the client's session
   * @param begin   the token from which on it reads
   * @throws Refusal
   */
  static async open(
    upstream: Upstream,
    command: Document,
    lsid: readonly Buffer[],
    begin: string,
    clock: ClusterClock,
  ): Promise<StreamPart> {
    const part = new StreamPart(upstream, command, lsid, begin, clock);
    try {
      part.#take(await upstream.send(assemble([...encodeElements(command), ...lsid, ...clock.gossip])), 'firstBatch');
    } catch (error) {
      upstream.close();
      throw error;
    }
    return part;
  }

  /** The error that ended this part. */
  get failure(): Document | undefined {
    return this.#failure;
  }

  /** The token up to which all events were handed out or can be. */
  get settled(): string {
    return this.events.length > 0 ? this.#floor : this.#promised;
  }

  /** Whether no event that is still to come can precede this one. */
  hasPassed(token: string): boolean {
    return this.events.length > 0 || this.#promised >= token;
  }

  /** Asks for more events, unless it has some or asks already. Never rejects: see `failure`. */
  ask(maxTimeMS: number): Promise<void> | undefined {
    if (this.events.length > 0) return undefined;
    this.#asking ??= this.#getMore(Math.min(maxTimeMS, MOST_AWAIT_MS)).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  close(): void {
    this.#upstream.close();
  }

  async #getMore(maxTimeMS: number): Promise<void> {
    const getMore = encodeElements({ getMore: this.#id, ...this.#cursor, maxTimeMS });
    try {
      this.#take(await this.#upstream.send(assemble([...getMore, ...this.#lsid, ...this.#clock.gossip])), 'nextBatch');
    } catch (error) {
      if (error instanceof Refusal) this.#failure = error.reply;
      else this.#failure = { ok: 0, code: 6, codeName: 'HostUnreachable', errmsg: String(error), errorLabels: LABELS };
    }
  }

  #take(bytes: Buffer, batchName: string): void {
    this.#clock.note(bytes);
    const reply = decode(bytes, { fieldsAsRaw: { [batchName]: true } });
    if (!reply.ok) throw Refusal.from(visible(reply));
    this.#id = reply.cursor.id;
    const cursor = valueIn(bytes, 'cursor') ?? assemble([]);
    this.#floor = this.#promised;
    this.#promised = tokenIn(cursor, 'postBatchResumeToken') ?? this.#promised;
    for (const { value } of elementsOf(valueIn(cursor, batchName) ?? assemble([]))) {
      this.events.push({ token: tokenIn(value, '_id') ?? '', bytes: value });
    }
  }
}

const LABELS = ['ResumableChangeStreamError'];

function tokenIn(document: Buffer, name: string): string | undefined {
  const token = valueIn(document, name);
  const data = token && valueIn(token, '_data');
  return data?.toString('utf8', 4, data.length - 1);
}
