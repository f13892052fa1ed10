import { createHash } from 'node:crypto';
import type { MongoClient, UUID } from 'mongodb';
import { reach } from '../../platform/index.ts';
import type { StreamPosition } from '../apply/stream-position.ts';
import type { DocumentBatch } from '../bson/document-batch.ts';
import { keyBytes, keyOf } from '../bson/document-key.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import { onDestination, onSource, pinTo } from '../collections/moved.ts';
import { noteReordered } from '../collections/note-reordered.ts';
import { whileSuspect } from '../collections/suspicion.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { allEnded } from '../concurrency/all-ended.ts';
import { orAbort } from '../concurrency/unless-aborted.ts';
import { insertHeld } from '../copy/held-batch.ts';
import { emptyCollection } from '../copy/insert-documents.ts';
import { type ReadPartitionParts, readInOrder } from '../copy/read-partition.ts';
import type { CausalRead } from '../mongodb/fence.ts';
import { RawCursor, readAll } from '../mongodb/raw-cursor.ts';

/** The parts of a run that comparing capped collections needs. */
export interface SettleCappedParts extends ReadPartitionParts {
  readonly tracked: Map<string, TrackedCollection>;
  readonly position: StreamPosition;
}

const KEYS_AT_A_TIME = 20_000;

/** One side of a collection, and how current a read of it must be. */
interface Side {
  readonly client: MongoClient;
  readonly database: string;
  readonly name: string;
  /** Without it, a missing collection would look empty. */
  readonly pin: { readonly collectionUUID?: UUID };
  readonly readConcern: CausalRead;
}

interface SettleCappedOptions {
  /** The parts for copies, which take as long as they take. */
  readonly copying: SettleCappedParts;
  /** Called after each batch. */
  readonly advanced: () => void;
  /** Whether the verification would see what others write on the destination. */
  readonly seesOthers: boolean;
}

/**
 * Compares capped collections once nobody writes. Each side discards documents by itself. The engine compares their
 * ends and counts, and all keys in order where documents in the middle may be in other places
 * (docs/adr/0015-equal-keys.md), or nobody would see what others write on the destination. A collection that differs is copied again inside the write pause; a capped
 * collection's size is bounded (docs/reference/pitfalls.md#pitfall-35).
 * @param context  for the comparison, which may have a deadline
 * @returns the namespaces on the source of those that differed
 * @throws CollectionMissing when the source's server doesn't have one
 */
export async function settleCapped(
  context: SettleCappedParts,
  { copying, advanced, seesOthers }: SettleCappedOptions,
): Promise<readonly string[]> {
  const capped = [...context.tracked.values()].filter(({ isCapped }) => isCapped);
  const isSame = (collection: TrackedCollection) => {
    // rule: capped-order-unverified
    const isOrderSure = seesOthers && !collection.reordered;
    // rule: capped-order-compared
    return isEqual(context, collection, (side) => (isOrderSure ? outline(side) : order(side, advanced)));
  };
  // Doesn't wait for an answer: a silent server is found out only after 15 s.
  const equal = await orAbort(Promise.all(capped.map(isSame)), context.signal);
  const differing = capped.filter((_, n) => !equal[n]);
  await allEnded(differing.map((collection) => copyAgain(copying, collection, advanced)));
  return differing.map(({ namespace }) => namespace);
}

/** The result of a comparison of capped collections that changes none of them. */
export interface CappedOutlook {
  /** The number of collections whose ends and counts were compared. */
  readonly compared: number;
  /** Those that differ: a cutover would copy them again. */
  readonly differing: readonly TrackedCollection[];
  /** Those of which a cutover would compare all keys. */
  readonly unread: readonly TrackedCollection[];
}

/**
 * Compares capped collections by their ends and counts, and changes none. Leaves out those whose order may differ in the
 * middle, because comparing all their keys has no bound.
 * @param seesOthers  whether the verification would see what others write on the destination
 */
export async function compareCapped(context: SettleCappedParts, seesOthers: boolean): Promise<CappedOutlook> {
  const capped = [...context.tracked.values()].filter(({ isCapped }) => isCapped);
  const outlined = seesOthers ? capped.filter(({ reordered }) => !reordered) : [];
  const unread = capped.filter((collection) => !outlined.includes(collection));
  const equal = await Promise.all(outlined.map((collection) => isEqual(context, collection, outline)));
  return { compared: outlined.length, differing: outlined.filter((_, n) => !equal[n]), unread };
}

async function copyAgain(
  context: SettleCappedParts,
  collection: TrackedCollection,
  advanced: () => void,
): Promise<void> {
  context.logger.info(
    { event: 'cutover.capped_copied_again', namespace: collection.namespace },
    'Copying the capped collection again',
  );
  // After a kill in between, a successor finds the documents in some order.
  await noteReordered(context, collection);
  await whileSuspect(context, collection, async () => {
    await emptyCollection(context, collection);
    await reach('engine.cutover.capped-emptied');
    collection.readAfter = context.position.time;
    for await (const { batch } of readInOrder(context, collection)) {
      using _ = batch;
      await insertHeld(context, collection, batch);
      advanced();
    }
  });
}

/** Whether both sides of a collection have the same description. */
async function isEqual(
  context: SettleCappedParts,
  collection: TrackedCollection,
  describe: (side: Side) => Promise<string>,
): Promise<boolean> {
  const { source, destination, fence, position } = context;
  const sourceRead = { level: 'majority', afterClusterTime: position.time } as const;
  const wanted = await onSource(context, collection, (name) =>
    describe({
      client: source,
      database: collection.sourceDatabase,
      name,
      pin: pinTo(context, collection),
      readConcern: sourceRead,
    }),
  );
  const present = await onDestination(context, collection, ({ database, name, uuid }) =>
    describe({ client: destination, database, name, pin: { collectionUUID: uuid }, readConcern: fence.afterOwnWrites }),
  );
  return wanted === present;
}

/** Returns its oldest and newest key, and its number of documents. */
async function outline({ client, database, name, pin, readConcern }: Side): Promise<string> {
  const end = async (order: 1 | -1) => {
    const command = { find: name, hint: { $natural: order }, limit: 1, projection: { _id: 1 }, ...pin };
    const [document] = await readAll(client, database, { ...command, readConcern });
    return document === undefined ? '' : keyBytes(keyOf(document)).toString('hex');
  };
  const { documents } = await collectionSize(client, database, name);
  return [documents, await end(1), await end(-1)].join('|');
}

/** Returns a digest of all its keys in order. */
async function order({ client, database, name, pin, readConcern }: Side, advanced: () => void): Promise<string> {
  const hash = createHash('sha256');
  const take = ({ bytes }: DocumentBatch) => {
    hash.update(bytes); // Each document begins with its length.
    advanced();
  };
  const [cursor, first] = await RawCursor.open(client, database, {
    find: name,
    hint: { $natural: 1 },
    projection: { _id: 1 },
    batchSize: KEYS_AT_A_TIME,
    ...pin,
    readConcern,
  });
  await using _ = cursor;
  take(first.documents);
  while (cursor.open) take((await cursor.next({ batchSize: KEYS_AT_A_TIME })).documents);
  return hash.digest('hex');
}
