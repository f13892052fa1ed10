import { laneHash } from '../bson/document-key.ts';
import { hashOfText } from '../bson/hash.ts';
import type { RunContext } from '../collections/context.ts';
import type { DirtyKey } from './dirty-key.ts';
import { Lane, type LaneEvents, type LaneUses } from './lane.ts';

export const LANES = 8;
/** The most keys that wait in all lanes together. Above it, the engine stops reading the stream. */
const MOST_QUEUED_KEYS = 20_000;

/** All lanes of a migration. */
export class Lanes {
  readonly #lanes: readonly Lane[];
  readonly #context: RunContext;

  constructor(context: RunContext, uses: LaneUses, events: LaneEvents) {
    this.#context = context;
    this.#lanes = Array.from({ length: LANES }, () => new Lane(context, uses, events));
  }

  get queued(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.size, 0);
  }

  get oldestSequence(): number {
    return Math.min(...this.#lanes.map((lane) => lane.oldestSequence));
  }

  /**
   * Queues a key. Equal keys share a lane. A whole collection shares one lane when a collation decides which keys are
   * equal, or when its order counts.
   */
  add(dirty: DirtyKey): void {
    const hash = dirty.collection.hasOneLane ? hashOfText(dirty.collection.id) : laneHash(dirty.key);
    this.#lanes[hash % LANES]?.add(dirty);
  }

  /**
   * Resolves when there is room for another batch. This bounds memory: with a slow destination, the engine stops
   * reading the stream.
   * @param heldBytes  bytes of the stream's replies that lanes still use: one document keeps its whole reply in memory
   */
  async room(heldBytes: () => number = () => 0): Promise<void> {
    while (this.queued > MOST_QUEUED_KEYS || heldBytes() > this.#context.memory.streamBytes) {
      this.#context.signal.throwIfAborted();
      await this.#context.clock.sleep(10, this.#context.signal);
    }
  }

  /** Resolves when everything queued now is on the destination. */
  async flush(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.flush()));
  }

  /**
   * Works until the signal aborts.
   * @throws the error that stopped a lane
   */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.run(signal)));
  }
}
