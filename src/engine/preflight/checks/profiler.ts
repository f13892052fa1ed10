import type { MongoClient } from 'mongodb';
import type { Side } from '../../mongodb/side.ts';
import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';
import { sweep } from '../within.ts';

/** The level at which the profiler records all operations, not only slow ones. */
const ALL_OPERATIONS = 2;

/** Whether the profiler records every operation in a database that is read or written. */
export async function checkProfiler({ source, destination, from, entries, signal }: Look): Promise<Found[]> {
  const databases = [...new Set((await entries()).map(({ database }) => database))];
  const profiled = async (client: MongoClient, side: Side) => {
    const { results } = await sweep(databases, signal, async (database) => {
      const { was } = await client.db(database).command({ profile: -1 });
      return was === ALL_OPERATIONS ? [database] : [];
    });
    const names = results.flat().sort();
    return names.length === 0 ? [] : [found('PROFILER_ON', [side, names.join(', ')])];
  };
  // Routers don't show the profilers of shards.
  return [...(from.sharded ? [] : await profiled(source, 'source')), ...(await profiled(destination, 'destination'))];
}
