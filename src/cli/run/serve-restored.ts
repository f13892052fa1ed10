import { type StoreReader, unacknowledgedRestores } from '../../control/index.ts';
import { tell } from '../terminal/index.ts';

/** Tells at each start of restores whose review nobody has acknowledged. On stderr whatever the log's level is: it is about security. */
export async function warnOfRestores(store: StoreReader, directory: string): Promise<void> {
  for (const { createdAtMs, reason } of await unacknowledgedRestores(store)) {
    tell(
      'linkspan serve',
      `warning: the store was restored (${reason}; noticed at ${new Date(createdAtMs).toISOString()}). ` +
        'Link-tokens that were not redeemed, access tokens and pending approvals have ended. API keys, service accounts and agents that were ' +
        `deleted since the backup work again: review them (linkspan restored --data-dir ${directory}), then stop the server and run ` +
        `linkspan restored --acknowledge --data-dir ${directory}`,
      'warning',
    );
  }
}
