import { systemClock } from '../../../platform/index.ts';
import { listWithHalves } from '../../catalog/read-catalog.ts';
import { canRaise, raisedFlags, whyNotCarried } from '../../catalog/time-series-flags.ts';
import { whyUnsupported } from '../../catalog/unsupported.ts';
import { isBuckets } from '../../mongodb/namespaces.ts';
import { Selection } from '../../scope/selection.ts';
import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';
import { sweep } from '../within.ts';
import { namespaceOf } from './namespaces.ts';

/** Longer than a server takes to create or drop both parts of a time series. */
const BETWEEN_LOOKS_MS = 1_000;

/** Finds time series with flags that the destination can't set, and buckets without a time series. */
export async function checkTimeSeries(look: Look): Promise<Found[]> {
  return [...(await checkFlags(look)), ...(await checkHalves(look))];
}

async function checkFlags({ source, destination, entries, features, signal }: Look): Promise<Found[]> {
  const series = (await entries()).filter(
    (entry) => isBuckets(entry.name) && whyUnsupported(entry, features) === undefined,
  );
  const { results } = await sweep(series, signal, async (entry) => ({
    entry,
    flags: await raisedFlags(source, entry),
  }));
  const able = new Map<string, boolean>();
  for (const flag of new Set(results.flatMap(({ flags }) => flags))) able.set(flag, await canRaise(destination, flag));
  return results.flatMap(({ entry, flags }) => {
    const namespace = namespaceOf(entry);
    const refused = flags.filter((flag) => !able.get(flag));
    return refused.map((flag) => found('UNSUPPORTED_NAMESPACE', [namespace, whyNotCarried(flag)], namespace));
  });
}

/**
 * Finds the buckets of time series that don't exist. Looks twice: a time series that is being created or dropped has only
 * its buckets for a moment. A source keeps the buckets of a creation that its write block refused, so they don't keep a
 * migration from resuming.
 */
async function checkHalves({ source, halves, isNew, options, signal }: Look): Promise<Found[]> {
  const selection = new Selection(options.filters);
  const first = (await halves()).filter(({ database, name }) => selection.has(database, name));
  if (first.length === 0 || !(await isNew())) return [];
  await (options.clock ?? systemClock).sleep(BETWEEN_LOOKS_MS, signal);
  const databases = [...new Set(first.map(({ database }) => database))];
  const { results } = await sweep(databases, signal, (database) => listWithHalves(source, database));
  const lasting = new Set(results.flatMap((one) => one.halves.map(({ uuid }) => uuid?.toHexString())));
  return first
    .filter(({ uuid }) => lasting.has(uuid?.toHexString()))
    .map(({ database, name }) => {
      const namespace = `${database}.${name}`;
      return found('UNSUPPORTED_NAMESPACE', [namespace, 'the buckets of a time series that does not exist'], namespace);
    });
}
