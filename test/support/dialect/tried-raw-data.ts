import type { ReplicaSet } from '../replica-set.ts';
import type { SetInDialect } from './set-in-dialect.ts';

/** Does what a probe does that could write and read buckets: from then on, migrations of a dialect of 9.0 take time series. */
export async function recordTriedRawData(set: ReplicaSet | SetInDialect): Promise<void> {
  if (!('modelled' in set) || set.modelled.level !== '9.0') return;
  const { version } = set.modelled;
  const probes = set.client.db('linkspan_internal').collection<{ _id: string }>('probes');
  await probes.replaceOne({ _id: 'rawData' }, { version }, { upsert: true, writeConcern: { w: 'majority' } });
}
