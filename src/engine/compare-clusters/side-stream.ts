import type { MongoClient } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import { ChangeStream, type StreamOptions } from '../capture/change-stream.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import type { Side } from '../mongodb/side.ts';

/** The side whose stream is read. */
export interface SideStreamOptions {
  readonly side: Side;
  readonly client: MongoClient;
  /** Whether the side's streams show changes of the catalog and of system collections. */
  readonly showsAll: boolean;
  readonly retrier: Retrier;
}

const MOST_EVENTS = 5_000;

/**
 * Returns one side's cluster-wide change stream, without documents: which keys changed, and which collections. It fails
 * with VERIFICATION_HISTORY_LOST.
 * @param token  the position to resume from; undefined for now
 */
export function sideStream(options: SideStreamOptions, token: string | undefined): ChangeStream {
  const lost: StreamOptions['lost'] = (reason, cause) => historyLost(options.side, reason, cause);
  const all = { ...options, showsDocuments: false, mostEvents: MOST_EVENTS, waitsForUnknown: false, lost };
  return new ChangeStream(all, token === undefined ? undefined : { _data: token });
}

/**
 * Confirms that a side whose stream isn't read still has the data that was read of it.
 * @throws UserError VERIFICATION_HISTORY_LOST
 */
export async function confirmHistory({ side, client, retrier }: SideStreamOptions): Promise<void> {
  try {
    await retrier.run(`the change stream of the ${side}`, () => historyOf(client).confirm());
  } catch (error) {
    if (classify(error) !== 'history-lost') throw error;
    throw historyLost(side, messageOf(error), error);
  }
}

function historyLost(side: Side, reason: string, cause: unknown): UserError {
  return new UserError('VERIFICATION_HISTORY_LOST', [side, reason], { cause });
}
