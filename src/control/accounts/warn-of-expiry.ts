import { type Logger, messageOf } from '../../platform/index.ts';
import { audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { findAuditRecords, findOrganizations } from '../records/queries.ts';
import type { StoreReader } from '../records/store-port.ts';
import { ownersExpireAtMs } from './owners-expiry.ts';

/** Short compared to a day, which is the last warning. */
const LOOK_EVERY_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;
/** Hours before the expiry at which it is announced; at 0 no one can sign in as an owner any more. */
const THRESHOLDS = [0, 24, 168];
const EVENT = 'ORG_OWNERS_EXPIRING';

/** An announcement that is due. */
interface Due {
  readonly expiresAt: string;
  readonly hoursLeft: number;
}

/** Records for each organization, once at each threshold, that the last secret of its owners expires. Logs the same. */
async function warnOfExpiry({ store, clock }: Control, logger: Logger): Promise<void> {
  for (const { id: orgId } of await findOrganizations(store)) {
    const atMs = clock.now();
    if (!(await dueOf(store, orgId, atMs))) continue;
    const told = await store.write(async (transaction) => {
      const due = await dueOf(transaction, orgId, atMs);
      // rule: audit-expiry-warning
      if (due) await audit(transaction, SYSTEM, atMs, { eventTypeName: EVENT, orgId, details: { ...due } });
      return due;
    });
    if (told)
      logger.warn(
        { event: 'organization.owners_expiring', orgId, ...told },
        'the last secret of the owners of an organization expires',
      );
  }
}

/** Repeats {@link warnOfExpiry} until `signal` aborts. Retries when the store fails. */
export async function keepWarningOfExpiry(control: Control, logger: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await warnOfExpiry(control, logger).catch((error: unknown) =>
      logger.error(
        { event: 'organization.owners_unchecked', reason: messageOf(error) },
        'could not check when the secrets of owners expire',
      ),
    );
    await control.clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function dueOf(store: StoreReader, orgId: string, atMs: number): Promise<Due | undefined> {
  const expiresAtMs = await ownersExpireAtMs(store, orgId);
  if (expiresAtMs === null) return undefined;
  const hoursLeft = THRESHOLDS.find((hours) => expiresAtMs - atMs <= hours * HOUR_MS);
  if (hoursLeft === undefined) return undefined;
  const expiresAt = new Date(expiresAtMs).toISOString();
  const [last] = await findAuditRecords(store, { orgId, eventTypeNames: [EVENT] }, { limit: 1 });
  const isKnown = last?.details.expiresAt === expiresAt && Number(last.details.hoursLeft) <= hoursLeft;
  return isKnown ? undefined : { expiresAt, hoursLeft };
}
