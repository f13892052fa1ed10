import type { MongoClient } from 'mongodb';
import { counted, silentLogger, systemClock, UserError } from '../../../platform/index.ts';
import { findLeftovers } from '../../cleanup/leftovers.ts';
import { Retrier } from '../../mongodb/retry.ts';
import { AllCheckpoints, type Checkpoint } from '../../records/all-checkpoints.ts';
import { shownState } from '../../records/shown-state.ts';

/**
 * Names the leftovers of cancelled and failed migrations and the command that removes them, as a clause to follow a list of databases.
 * Empty where nothing is left, and where another version wrote one of the records.
 */
export async function leftByMigrations(destination: MongoClient, signal: AbortSignal): Promise<string> {
  const left = await Promise.all(
    (await ended(destination, signal)).map(async (checkpoint) => {
      const { collections, views } = await findLeftovers(destination, checkpoint);
      const { _id, state } = checkpoint.migration;
      if (collections.length + views.length === 0) return '';
      const made = `${counted(collections.length, 'collection')} and ${counted(views.length, 'view')}`;
      return `; migration ${_id} (${shownState(state)}) left ${made}, which linkspan cleanup --migration ${_id} --drop removes`;
    }),
  );
  return left.join('');
}

async function ended(destination: MongoClient, signal: AbortSignal): Promise<Checkpoint[]> {
  try {
    const all = await new AllCheckpoints(destination, new Retrier(systemClock, silentLogger, signal)).read();
    return all.filter(
      ({ migration: { state, retiredBy } }) => retiredBy === undefined && (state === 'CANCELLED' || state === 'FAILED'),
    );
  } catch (error) {
    if (error instanceof UserError && error.code === 'CHECKPOINT_OF_OTHER_VERSION') return [];
    throw error;
  }
}
