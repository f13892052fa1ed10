import { type StoreReader, unacknowledgedRestores } from '../../control/index.ts';
import { tell } from '../terminal/index.ts';

/**
 * Warns at each start about restores whose review no operator has acknowledged. Writes to stderr whatever the log level is, because it concerns
 * security.
 */
export async function warnOfRestores(store: StoreReader, directory: string): Promise<void> {
  for (const { createdAtMs, reason } of await unacknowledgedRestores(store)) {
    tell(
      'linkspan serve',
      `warning: the store was restored (${reason}; noticed at ${new Date(createdAtMs).toISOString()}). ` +
        'Unredeemed link-tokens, access tokens and pending approvals are invalid now. API keys, service accounts and agents that were ' +
        `deleted since the backup work again: review them (linkspan restored --data-dir ${directory}), then stop the server and run ` +
        `linkspan restored --acknowledge --data-dir ${directory}`,
      'warning',
    );
  }
}
