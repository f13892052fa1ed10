import { Long, MongoServerError } from 'mongodb';
import { CollectionDropped, onSource } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { electionOf } from '../mongodb/election.ts';
import type { RawCursor } from '../mongodb/raw-cursor.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import type { NaturalPosition } from '../records/records.ts';
import { type BegunRead, finishRead, type HeldBatch } from './held-batch.ts';
import { canReadOn, discard, openRead, readNext } from './open-read.ts';
import { beginScan } from './read-order.ts';
import type { ReadBatch } from './read-partition.ts';

/** The server's code for a record that is deleted: the scan can't resume after it. */
const KEY_NOT_FOUND = 211;

/**
 * Reads a collection in natural order, through failures of cursors and servers. After an election, or when the record of
 * the position is deleted, it begins again: the caller skips documents that the destination has.
 */
export async function* readNaturally(
  context: Clusters & Pace & Telling,
  collection: TrackedCollection,
  from: NaturalPosition,
): AsyncGenerator<ReadBatch> {
  let position: NaturalPosition | undefined = from;
  while (true) {
    const scan: OpenScan | undefined = await openScan(context, collection, position);
    if (scan === undefined) return;
    let { startsOver } = scan;
    position = scan.position;
    const end = Long.fromString(position.end);
    await using cursor = scan.cursor;
    let next: BegunRead | undefined;
    try {
      for (let batch = scan.first; ; ) {
        const { recordId } = batch;
        if (cursor.open && !recordId) throw new Error(`the scan of ${collection.namespace} has lost its position`);
        // rule: natural-scan-end
        const isLast = !cursor.open || !recordId || recordId.greaterThanOrEqual(end);
        // Read the next batch while this one is written.
        next = isLast ? undefined : readNext(context, collection, cursor, batch.bytes);
        const passed: NaturalPosition = { ...position, after: recordId ? recordId.toString() : position.end };
        yield { batch, position: { natural: passed }, startsOver };
        position = passed;
        startsOver = false;
        if (next === undefined) return;
        batch = await finishRead(context, next);
      }
    } catch (error) {
      if (!canReadOn(error)) throw error;
      context.logger.debug(
        { event: 'copy.scan_resumed', namespace: collection.namespace, error },
        'The scan resumes with a new cursor',
      );
    } finally {
      discard(next);
    }
  }
}

interface OpenScan {
  readonly cursor: RawCursor;
  readonly first: HeldBatch;
  readonly position: NaturalPosition;
  readonly startsOver: boolean;
}

/**
 * Opens a cursor after a position, or at the beginning when the position means nothing any more. Another member may
 * have another document under the same record id, so the primary must be that of the position's election before the
 * cursor is opened and after it.
 * @returns undefined for a collection that is empty now
 */
async function openScan(
  context: Clusters & Pace,
  collection: TrackedCollection,
  wanted: NaturalPosition,
): Promise<OpenScan | undefined> {
  const { retrier, source } = context;
  const currentElection = () => retrier.run('the source', () => electionOf(source));
  let position = wanted;
  let startsOver = false;
  while (true) {
    if (collection.isGone) throw new CollectionDropped(collection.namespace);
    // rule: new-scan-after-election
    if ((await currentElection()) !== position.election) {
      const begun = await onSource(context, collection, (name) => beginScan(context, collection, name));
      if (begun === undefined) return undefined;
      position = begun;
      startsOver = true;
    }
    const { after, election } = position;
    try {
      const [cursor, first] = await openRead(context, collection, (name) => ({
        find: name,
        filter: collection.selected({}),
        hint: { $natural: 1 },
        $_requestResumeToken: true,
        ...(after === null ? {} : { $_resumeAfter: { $recordId: Long.fromString(after) } }),
      }));
      if ((await currentElection()) === election) return { cursor, first, position, startsOver };
      first[Symbol.dispose]();
      await cursor[Symbol.asyncDispose]();
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== KEY_NOT_FOUND || after === null) throw error;
      position = { ...position, after: null, documents: 0, bytes: 0 };
      startsOver = true;
    }
  }
}
