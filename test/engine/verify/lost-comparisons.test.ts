import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { BSON, Timestamp, UUID } from 'mongodb';
import { DocumentBatch } from '../../../src/engine/bson/document-batch.ts';
import { keyOf } from '../../../src/engine/bson/document-key.ts';
import { fieldsOf } from '../../../src/engine/catalog/fields.ts';
import { CollectionDropped, CollectionMissing } from '../../../src/engine/collections/moved.ts';
import { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import { cutOver } from '../../../src/engine/cutover/cut-over.ts';
import { orderCapped } from '../../../src/engine/cutover/settle-capped.ts';
import { RepeatedId } from '../../../src/engine/mongodb/repeated-ids.ts';
import { compareRange } from '../../../src/engine/verify/compare-collection.ts';
import { isInOrder } from '../../../src/engine/verify/compare-order.ts';
import { MigrationRechecks } from '../../../src/engine/verify/rechecks.ts';
import { Repairs } from '../../../src/engine/verify/repairs.ts';
import { Verification } from '../../../src/engine/verify/verification.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const DOCUMENT = Buffer.from(BSON.serialize({ _id: 1 }));
const KEY = keyOf(DOCUMENT);
/** The tasks of a verification that compare no collection. */
const BESIDE = 3;
const SUSPICION = { mark: 'm', comparedTo: null };

function liveCollection(capped = true): TrackedCollection {
  const options = fieldsOf(Buffer.from(BSON.serialize(capped ? { capped } : {})));
  const entry = { database: 'shop', name: 'log', type: 'collection', uuid: new UUID(), options };
  const collection = new TrackedCollection(entry, entry);
  for (const kind of ['created', 'plan begun', 'planned', 'copied'] as const) collection.advance({ kind });
  collection.advance({ kind: 'drain begun', ordered: false });
  collection.advance({ kind: 'drained' });
  return collection;
}

/** A context whose run ends with the test. */
function runContext(stop = new AbortController()) {
  const context = unconnectedContext(stop.signal);
  return { ...context, [Symbol.dispose]: () => stop.abort(new Error('the test is over')) };
}

test('the order of a collection that the source has dropped is not compared, and not waited for', async () => {
  using context = runContext();
  context.clock = { ...context.clock, sleep: () => Promise.reject(new Error('it waits')) };
  const collection = liveCollection();
  collection.advance({ kind: 'dropped' });
  const compare = () => isInOrder(context, collection, () => true);
  await assert.rejects(compare, CollectionDropped);
});

test('a capped collection that the source drops while a cutover compares its order does not end the cutover', async () => {
  using context = runContext();
  const collection = liveCollection();
  context.tracked.set(collection.id, collection);
  context.retrier.run = async <T>() => new Timestamp(0n) as T;
  const verification = { seesOthers: false, isInOrder: () => Promise.reject(new CollectionDropped()) };
  let isInStep = false;
  const inStepAt = async () => {
    isInStep = true;
  };
  await orderCapped(context, { verification, inStepAt } as never);
  assert.equal(isInStep, true);
});

/** Begins a cutover whose source's server lacks the capped collection; it has a write block if `block` is given. */
async function cutOverMissing(block?: object) {
  using context = runContext();
  const collection = liveCollection();
  context.tracked.set(collection.id, collection);
  const isInOrder = () => Promise.reject(new CollectionMissing(collection.namespace));
  const idle = async () => undefined;
  const stream = {
    verification: { seesOthers: false, isInOrder },
    hurry: () => ({ [Symbol.dispose]: () => undefined }),
    release: () => undefined,
  };
  const options = {
    calledOff: new AbortController().signal,
    timeline: { begin: () => undefined, count: () => undefined, attempts: [] },
    preparation: { caughtUp: idle(), block },
  };
  const log = { advance: idle, advanceCutover: idle };
  return await cutOver(context, log as never, stream as never, options as never);
}

test('a collection that the source lacks postpones a cutover, and ends one without a block by the name of its cause', async () => {
  assert.deepEqual(await cutOverMissing({}), { reason: 'shop.log', stoppedMs: 0 });
  await assert.rejects(cutOverMissing(), { code: 'SOURCE_STILL_WRITTEN' });
});

test('a comparison that counts no more saves no position: keys before it may differ', async () => {
  using context = runContext();
  let nowMs = 0;
  context.clock = { ...context.clock, elapsed: () => nowMs };
  const collection = liveCollection();
  const rechecks = new MigrationRechecks(context, {} as never, {} as never);
  rechecks.suspect(collection, [KEY]);
  let valid = true;
  const compare = async () => {
    nowMs += 10_000;
    queueMicrotask(() => {
      valid = false;
      context.changes.notify();
    });
    return { documents: 1, bytes: 1, last: KEY };
  };
  const saved: unknown[] = [];
  const uses = {
    rechecks,
    throttle: { take: async () => undefined },
    records: { saveRange: async (...fields: unknown[]) => void saved.push(fields) },
    digests: { compare },
    isValid: () => valid,
  };
  const range = { _id: {}, low: null, high: null, comparedTo: null, documents: 0, bytes: 0, done: false };
  await compareRange(context, collection, range as never, uses as never);
  assert.deepEqual(saved, []);
});

test('a key that is equal when its difference is to go on record is compared again', async () => {
  using context = runContext();
  const onMismatch = async () => 'equal' as const;
  const rechecks = new MigrationRechecks(context, {} as never, { onMismatch } as never);
  const collection = liveCollection();
  rechecks.suspect(collection, [KEY]);
  const open = rechecks.keys.get(collection, KEY);
  assert.ok(open);
  open.heldBy = {};
  await rechecks.declare([open]);
  assert.equal(open.heldBy, undefined);
  assert.equal(rechecks.keys.unbound, 1);
});

interface RepairUses {
  /** The repair of a capped collection. */
  readonly copyAnew?: () => Promise<void>;
  /** Answers each read of a collection that isn't capped; its writes are answered too. */
  readonly read?: (what: string, collection: TrackedCollection) => Promise<unknown>;
  readonly verificationForgotten?: (repairs: Repairs) => void;
  /** How many repairs run, each a second after the one before. */
  readonly times?: number;
  readonly isReversed?: boolean;
}

/** Runs repairs of a suspect collection. @returns the keys that they left to the lanes, and what waits for a confirmation */
async function repair({ copyAnew, read, verificationForgotten = () => undefined, times = 1, isReversed }: RepairUses) {
  using context = { ...runContext(), isReversed: isReversed === true };
  let nowMs = 0;
  context.clock = { ...context.clock, elapsed: () => nowMs };
  const collection = liveCollection(read === undefined);
  collection.destinationUuid = new UUID();
  collection.suspicion = SUSPICION;
  context.tracked.set(collection.id, collection);
  if (read !== undefined) context.retrier.run = async <T>(what: string) => (await read(what, collection)) as T;
  const added: unknown[] = [];
  const idle = async () => undefined;
  const lanes = { room: idle, flush: idle, add: ({ key }: { key: unknown }) => void added.push(key) };
  const ended = Promise.withResolvers<void>();
  const uses = {
    lanes,
    copier: { copyAnew },
    throttle: { take: idle },
    verificationForgotten: async () => verificationForgotten(repairs),
  };
  let left = times;
  const repairs: Repairs = new Repairs(context, uses as never, async (task) => {
    await task().catch(ended.reject);
    nowMs += 1_000;
    left -= 1;
    if (left === 0) ended.resolve();
    context.stateChanges.notify();
  });
  const running = repairs.run().catch(() => undefined);
  await ended.promise.finally(() => context[Symbol.dispose]());
  await running;
  return { added, wait: context.drops.documents.wait };
}

test('a suspect collection is not repaired once the stream has lost its position again', async () => {
  let copied = 0;
  const copyAnew = async () => {
    copied += 1;
  };
  await repair({ copyAnew });
  assert.equal(copied, 1);
  await repair({
    copyAnew,
    verificationForgotten: (repairs) => {
      repairs.held = true;
    },
  });
  assert.equal(copied, 1);
});

test('a repair that meets a repeated _id leaves that key to the lanes, and the run goes on', async () => {
  const { added } = await repair({ copyAnew: () => Promise.reject(new RepeatedId(KEY, 'shop.log', ['{}'])) });
  assert.deepEqual(added, [KEY]);
});

test('a repair follows nothing more once history is lost again: an operator may have to confirm it first', async () => {
  const older = Buffer.from(BSON.serialize({ _id: 2, older: true }));
  const newer = Buffer.from(BSON.serialize({ _id: 2 }));
  const repairWith = async (suspicionAfterFirst: typeof SUSPICION) => {
    const replies = { 'the source': [DOCUMENT, older], 'the destination': [DOCUMENT, newer] } as Record<
      string,
      Buffer[]
    >;
    const { added } = await repair({
      read: async (what, collection) => {
        const next = replies[what]?.shift();
        if (next === DOCUMENT) collection.suspicion = suspicionAfterFirst;
        return { documents: DocumentBatch.of(next === undefined ? [] : [next]) };
      },
    });
    return added;
  };
  assert.deepEqual(await repairWith(SUSPICION), [keyOf(older)]);
  assert.deepEqual(await repairWith({ ...SUSPICION, mark: 'again' }), []);
});

test('a document of a failback waits for a confirmation, unless its collection was copied anew while it was read', async () => {
  const waitAfter = async (suspicion: typeof SUSPICION | null) => {
    const none = { documents: DocumentBatch.of([]), found: new Map() };
    const extra = { documents: DocumentBatch.of([DOCUMENT]), found: new Map([[KEY.identity, true]]) };
    const replies = [extra, none, extra];
    const { wait } = await repair({
      times: 2,
      isReversed: true,
      read: async (what, collection) => {
        if (what === 'the source') return none;
        const reply = replies.shift();
        if (replies.length === 0) collection.suspicion = suspicion;
        return reply;
      },
    });
    return wait;
  };
  assert.equal((await waitAfter(SUSPICION))?.for, 'a confirmation of drops');
  assert.equal(await waitAfter(null), undefined);
});

/** Begins to verify one collection, without a destination to look at; `partitions` reads the ranges of its copy. */
async function verify(partitions: (collection: TrackedCollection) => Promise<never[]>) {
  using context = runContext();
  const collection = liveCollection();
  context.tracked.set(collection.id, collection);
  context.checkpoint.partitions = () => partitions(collection);
  const added: unknown[] = [];
  const lanes = { add: ({ key }: { key: unknown }) => void added.push(key) };
  const ended = Promise.withResolvers<void>();
  const idle = async () => undefined;
  const uses = { lanes, throttle: {}, stream: { isLive: () => true, isHurried: () => false } };
  const options = { mode: 'REPAIR', digests: undefined, externalTo: undefined };
  let tasks = 0;
  const verification = new Verification(context, uses as never, options as never, async (task) => {
    tasks += 1;
    if (tasks > BESIDE) await task().then(ended.resolve, ended.reject);
  });
  verification.external.look = idle;
  verification.rechecks.begin = () => ended.reject(new Error('it is compared'));
  const running = verification.run().catch(() => undefined);
  await ended.promise.finally(() => context[Symbol.dispose]());
  await running;
  return { added, ranges: verification.ranges };
}

test('a collection that becomes suspect before its comparison is planned is not compared before its repair', async () => {
  const { ranges } = await verify(async (collection) => {
    collection.suspicion = SUSPICION;
    return [];
  });
  assert.deepEqual(ranges, []);
});

test('a comparison that meets a repeated _id leaves that key to the lanes, and the run goes on', async () => {
  const { added } = await verify(() => Promise.reject(new RepeatedId(KEY, 'shop.log', ['{}'])));
  assert.deepEqual(added, [KEY]);
});

/** A verification that only the test moves. */
function standingVerification(context: ReturnType<typeof runContext>) {
  const uses = { lanes: {}, throttle: {}, stream: { isLive: () => true, isHurried: () => false } };
  const options = { mode: 'REPAIR', digests: undefined, externalTo: new Timestamp(1n) };
  const tasks: (() => Promise<void>)[] = [];
  const verification = new Verification(
    context,
    uses as never,
    options as never,
    async (task) => void tasks.push(task),
  );
  return { verification, tasks };
}

test('a collection that becomes suspect while its order is compared is not reported to be in another order', async () => {
  using context = runContext();
  const collection = liveCollection();
  collection.destinationUuid = new UUID();
  context.tracked.set(collection.id, collection);
  context.checkpoint.partitions = async () => [];
  context.clock = { ...context.clock, sleep: async () => undefined };
  const cursor = { open: false, [Symbol.asyncDispose]: async () => undefined };
  context.retrier.run = async <T>(what: string) => {
    if (what === 'the source') collection.suspicion = SUSPICION;
    return [cursor, { documents: DocumentBatch.of([DOCUMENT]) }] as T;
  };
  const { verification, tasks } = standingVerification(context);
  verification.external.look = async () => undefined;
  const equal = { documents: 1, bytes: 1, last: undefined };
  Object.assign(verification, { digests: { compare: async () => equal } });
  const running = verification.run().catch(() => undefined);
  while (tasks.length <= BESIDE) await setImmediate();
  await tasks.at(-1)?.();
  assert.equal(collection.suspicion, SUSPICION);
  assert.equal(collection.reordered, false);
  context[Symbol.dispose]();
  await running;
});

test('a collection that is not compared yet stays so once the oplog of the destination has lost writes to it', async () => {
  using context = runContext();
  const collection = liveCollection();
  collection.destinationUuid = new UUID();
  collection.reordered = true;
  context.tracked.set(collection.id, collection);
  const afterOwnWrites = { level: 'majority', afterClusterTime: new Timestamp(2n) };
  Object.assign(context, { fence: { afterOwnWrites } });
  context.retrier.run = async <T>() => undefined as T; // So the oplog no longer reaches back.
  const { verification } = standingVerification(context);
  await verification.external.look();
  assert.equal(collection.reorders, 1, 'the loss was not noted');
  assert.deepEqual(verification.ranges, []);
});
