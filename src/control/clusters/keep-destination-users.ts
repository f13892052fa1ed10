import { delayAfter, type Logger, messageOf, migrationUserName } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';
import { standingDestinationUsers } from '../records/queries.ts';
import { settleDestinationUser } from './settle-destination-user.ts';

/** Short compared to a migration; each check reads the store once. */
const LOOK_EVERY_MS = 10_000;
const BETWEEN_ATTEMPTS = { firstMs: LOOK_EVERY_MS, longestMs: 60_000 };

/**
 * Creates the users of new migrations on their destinations, and drops the users of ended ones, until `signal` aborts. It handles all
 * recorded users. It retries a failing destination with increasing delays, and others don't wait for it.
 */
export async function keepDestinationUsers(control: Control, logger: Logger, signal: AbortSignal): Promise<void> {
  const { store, clock, userAlarm } = control;
  const underWay = new Map<string, Promise<void>>();
  const failed = new Map<string, { readonly againAtMs: number; readonly failures: number }>();
  const settle = async (user: Parameters<typeof settleDestinationUser>[1]) => {
    try {
      await settleDestinationUser(control, user, signal);
      failed.delete(user.id);
    } catch (error) {
      if (signal.aborted) return;
      const before = failed.get(user.id);
      if (!before)
        logger.warn(
          { event: 'destination_user.failed', user: migrationUserName(user.id), reason: messageOf(error) },
          'could not create or drop a user on the destination; retrying',
        );
      const failures = (before?.failures ?? 0) + 1;
      failed.set(user.id, { againAtMs: clock.elapsed() + delayAfter(failures, BETWEEN_ATTEMPTS), failures });
    } finally {
      underWay.delete(user.id);
    }
  };
  while (!signal.aborted) {
    const rung = userAlarm.next;
    try {
      for (const user of await standingDestinationUsers(store)) {
        const isTooEarly = clock.elapsed() < (failed.get(user.id)?.againAtMs ?? 0);
        if (!isTooEarly && !underWay.has(user.id)) underWay.set(user.id, settle(user));
      }
    } catch (error) {
      logger.error(
        { event: 'destination_user.list_unreadable', reason: messageOf(error) },
        'could not read the users of migrations',
      );
    }
    await clock.sleep(LOOK_EVERY_MS, AbortSignal.any([signal, rung]));
  }
  await Promise.all(underWay.values());
}
