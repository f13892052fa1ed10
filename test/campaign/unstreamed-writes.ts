import type { Document, MongoClient } from 'mongodb';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { WriteStep } from './writer-loop.ts';

const DATABASE = 'unstreamed';
const DOCUMENTS = 'documents';
const KEYS = 60;
const CAPPED_BYTES = 1_048_576;
const FEW = 60;

/** Writes with commands that change streams do not show: `applyOps`, `convertToCapped`, `cloneCollectionAsCapped`. */
export function unstreamedWrites(
  client: MongoClient,
  random: SeededRandom,
  { catalog }: { readonly catalog: boolean },
): WriteStep {
  const database = client.db(DATABASE);
  const apply = (...operations: Document[]) => client.db('admin').command({ applyOps: operations });
  const ns = `${DATABASE}.${DOCUMENTS}`;
  const _id = () => random.integer(KEYS);
  const insert = () => ({ op: 'i', ns, o: { _id: _id(), v: random.integer(100) } });
  const update = () => ({ op: 'u', ns, o2: { _id: _id() }, o: { $v: 2, diff: { u: { v: random.integer(100) } } } });
  const remove = () => ({ op: 'd', ns, o: { _id: _id() } });
  const steps: Record<string, WriteStep> = {
    // The first write uses another command, because `applyOps` creates no collection.
    set: () =>
      database.collection<Document>(DOCUMENTS).updateOne({ _id: _id() as never }, { $set: { w: 1 } }, { upsert: true }),
    insert: () => apply(insert()),
    update: () => apply(update()),
    remove: () => apply(remove()),
    several: () => apply(insert(), update(), remove()),
    fill: () => database.collection('turned').insertMany(Array.from({ length: FEW }, (_, n) => ({ n }))),
    turn: () => database.command({ convertToCapped: 'turned', size: CAPPED_BYTES }),
    clone: () => database.command({ cloneCollectionAsCapped: 'turned', toCollection: 'cloned', size: CAPPED_BYTES }),
    dropClone: () => database.collection('cloned').drop(),
    dropTurned: () => database.collection('turned').drop(),
  };
  const ofDocuments = { set: 4, insert: 4, update: 6, remove: 3, several: 2 };
  const ofCollections = { fill: 3, turn: 1, clone: 1, dropClone: 0.6, dropTurned: 0.4 };
  const weights: Record<string, number> = catalog ? { ...ofDocuments, ...ofCollections } : ofDocuments;
  return async () => await steps[random.weighted(weights)]?.();
}
