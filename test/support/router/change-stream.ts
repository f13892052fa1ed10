import { setTimeout as delay } from 'node:timers/promises';
import { type Document, Long } from 'mongodb';
import { assemble, decode, elementsOf, encode, encodeElements, valueIn } from './elements.ts';
import { Refusal } from './refusal.ts';
import type { StreamEvent, StreamPart } from './stream-part.ts';

const MOST_BYTES = 12_000_000;
const MOST_EVENTS = 10_000;
/** An event for routers alone: a collection's first chunk on a shard. */
const NEW_SHARD_DETECTED = 'kNewShardDetected';

/** How a shard that joins the cluster is read. */
export interface NewShards {
  /** Whether the part shows `config.shards`, and not documents. */
  readonly isTopology: (part: StreamPart) => boolean;
  /** Opens the part of a shard from an event of `config.shards` on; undefined when the event adds none. */
  readonly open: (event: Document) => Promise<StreamPart | undefined>;
}

/** A change stream of the cluster: the servers' parts, merged in the order of the resume tokens. */
export class ChangeStream {
  readonly #id: string;
  readonly #ns: string;
  readonly #parts: StreamPart[];
  readonly #newShards: NewShards;
  /** The token after which the client reads on. */
  #last: string;

  constructor(id: string, ns: string, parts: readonly StreamPart[], begin: string, newShards: NewShards) {
    this.#id = id;
    this.#ns = ns;
    this.#parts = [...parts];
    this.#last = begin;
    this.#newShards = newShards;
  }

  /** Returns the reply that opens it, without events. */
  opened(): Document {
    return { cursor: { firstBatch: [], ...this.#cursor() }, ok: 1 };
  }

  /**
   * Returns the reply to a `getMore`.
   * @param finish completes an event for the client
   * @throws Refusal when a part has failed and all earlier events were handed out
   */
  async more(batchSize: number, maxTimeMS: number, finish: (event: Buffer) => Promise<Buffer>): Promise<Buffer> {
    const deadline = performance.now() + maxTimeMS;
    for (;;) {
      const events = await this.#take(batchSize || MOST_EVENTS, finish);
      if (events.length > 0) return this.#reply(events);
      const failure = this.#parts.find((part) => part.failure)?.failure;
      if (failure) throw Refusal.from(failure);
      const left = Math.ceil(deadline - performance.now());
      if (left <= 0) return this.#reply([]);
      await this.#ask(left);
    }
  }

  close(): void {
    for (const part of this.#parts) part.close();
  }

  async #take(most: number, finish: (event: Buffer) => Promise<Buffer>): Promise<Buffer[]> {
    const taken: Buffer[] = [];
    let size = 0;
    while (taken.length < most && size < MOST_BYTES) {
      const part = this.#next();
      const event = part?.events.shift();
      if (!part || !event) break;
      // A part of a shard may begin before the token that the client gave, which belongs to another shard.
      if (event.token <= this.#last) continue;
      const bytes = await this.#shown(part, event);
      this.#last = event.token;
      if (!bytes) continue;
      taken.push(await finish(bytes));
      size += bytes.length;
    }
    return taken;
  }

  /** Returns the part with the earliest event, when no other part can still bring an earlier one. */
  #next(): StreamPart | undefined {
    const [first] = this.#parts
      .filter(({ events }) => events.length > 0)
      .sort((a, b) => ((a.events[0]?.token ?? '') < (b.events[0]?.token ?? '') ? -1 : 1));
    const token = first?.events[0]?.token;
    return token !== undefined && this.#parts.every((part) => part.hasPassed(token)) ? first : undefined;
  }

  /** Returns what the client sees of an event; undefined for one for routers. */
  async #shown(part: StreamPart, { bytes }: StreamEvent): Promise<Buffer | undefined> {
    if (this.#newShards.isTopology(part)) {
      const added = await this.#newShards.open(decode(bytes));
      if (added) this.#parts.push(added);
      return undefined;
    }
    const operation = valueIn(bytes, 'operationType');
    if (operation?.includes(NEW_SHARD_DETECTED)) return undefined;
    return assemble(elementsOf(bytes).flatMap(({ name, bytes }) => (name === '$sortKey' ? [] : [bytes])));
  }

  /** Waits until one of the parts without events has an answer. */
  async #ask(maxTimeMS: number): Promise<void> {
    const asked = this.#parts.flatMap((part) => part.ask(maxTimeMS) ?? []);
    const timer = new AbortController();
    await Promise.race([...asked, delay(maxTimeMS, undefined, { signal: timer.signal })]);
    timer.abort();
  }

  #reply(events: readonly Buffer[]): Buffer {
    const batch = assemble(events.map((bytes, n) => Buffer.concat([Buffer.from(`\x03${n}\0`), bytes])));
    const nextBatch = Buffer.concat([Buffer.from('\x04nextBatch\0'), batch]);
    const cursor = assemble([nextBatch, ...elementsOf(encode(this.#cursor())).map(({ bytes }) => bytes)]);
    return assemble([Buffer.concat([Buffer.from('\x03cursor\0'), cursor]), ...encodeElements({ ok: 1 })]);
  }

  #cursor(): Document {
    const settled = this.#parts.map((part) => part.settled).sort()[0] ?? '';
    // Tokens are text that is ordered as text.
    const [, _data] = [settled, this.#last].sort();
    return { id: Long.fromString(this.#id), ns: this.#ns, postBatchResumeToken: { _data } };
  }
}
