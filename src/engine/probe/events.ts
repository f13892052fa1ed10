import type { Document } from 'mongodb';
import { decode } from '../bson/decode.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import { PROBE_DATABASE, type Scratch } from './scratch.ts';

const WAIT_MS = 1_000;

/**
 * Returns the events of the probe's database that a stream of the whole cluster shows of some work, as the engine reads
 * them, up to that of a last insert.
 * @param options  of the command that opens the stream
 */
export async function eventsOf(
  scratch: Scratch,
  work: () => Promise<unknown>,
  options: Document = {},
): Promise<readonly Document[]> {
  const end = 'events_end';
  return await scratch.during(async () => {
    const [cursor, first] = await RawCursor.open(scratch.client, 'admin', {
      aggregate: 1,
      pipeline: [
        { $changeStream: { allChangesForCluster: true, showExpandedEvents: true, showSystemEvents: true } },
        { $match: { 'ns.db': PROBE_DATABASE } },
      ],
      cursor: {},
      readConcern: { level: 'majority' },
      ...options,
    });
    await using _ = cursor;
    await work();
    await scratch.write({ insert: end, documents: [{}] });
    const events: Document[] = [];
    for (let batch = first; ; batch = await scratch.during(() => cursor.next({ maxTimeMS: WAIT_MS }))) {
      for (const bytes of batch.documents) {
        const event = decode(bytes);
        if (event.ns.coll !== end) events.push(event);
        else if (event.operationType === 'insert') {
          await scratch.write({ drop: end });
          return events;
        }
      }
    }
  });
}

/** Describes events: how often each operation came, in order, and whether those have the UUID of their collection. */
export function described(events: readonly Document[]): string {
  const words = events.map(({ operationType, collectionUUID }) => {
    return `${operationType}${collectionUUID === undefined ? ' without UUID' : ''}`;
  });
  return runsOf(words) || 'no event';
}

/** Shortens repetitions: `3 × insert, drop`. */
export function runsOf(words: readonly string[]): string {
  const runs: { word: string; count: number }[] = [];
  for (const word of words) {
    const last = runs.at(-1);
    if (last?.word === word) last.count += 1;
    else runs.push({ word, count: 1 });
  }
  return runs.map(({ word, count }) => (count === 1 ? word : `${count} × ${word}`)).join(', ');
}
