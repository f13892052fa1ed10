import { UserError } from '../../platform/index.ts';
import { authorizeGroup, authorizeOrganization } from '../accounts/actor.ts';
import { verifyAudit } from '../maintenance/verify-audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { type AuditFilter, countAuditRecords, findAuditRecords } from '../records/queries.ts';
import type { AuditRecord } from '../records/records.ts';
import type { Sealer } from '../records/sealer.ts';
import type { StoreReader } from '../records/store-port.ts';

/** The organization or project whose events are requested. */
type EventScope = ({ readonly orgId: string } | { readonly groupId: string }) &
  Pick<AuditFilter, 'eventTypeNames' | 'actorName' | 'target' | 'fromMs' | 'untilMs'>;

/**
 * The events of an organization or a project, newest first.
 * @throws UserError as {@link authorizeOrganization} and {@link authorizeGroup}
 */
export async function listEvents(
  { store }: Control,
  actor: Actor,
  scope: EventScope,
  { skip, limit }: { readonly skip: number; readonly limit: number },
): Promise<{ readonly records: readonly AuditRecord[]; readonly total: number }> {
  const filter = await authorizedFilter(store, actor, scope);
  return {
    records: await findAuditRecords(store, filter, { skip, limit }),
    total: await countAuditRecords(store, filter),
  };
}

/**
 * Verifications under way, by the server's sealer: one serves all clients that ask meanwhile, so that no client can occupy the server with
 * them.
 */
const verifying = new WeakMap<Sealer, ReturnType<typeof verifyAudit>>();

/**
 * Verifies the audit records of all organizations: their hashes, their order and their MACs. Reads them in batches.
 * @throws UserError as {@link authorizeOrganization}
 */
export async function verifyEvents(
  { store, sealer }: Control,
  actor: Actor,
  orgId: string,
): ReturnType<typeof verifyAudit> {
  await authorizeOrganization(store, actor, orgId, 'ORG_OWNER');
  const running = verifying.get(sealer) ?? verifyAudit(store, { sealer }).finally(() => verifying.delete(sealer));
  verifying.set(sealer, running);
  return await running;
}

/** @throws UserError EVENT_NOT_FOUND, and as {@link listEvents} */
export async function getEvent({ store }: Control, actor: Actor, scope: EventScope, id: string): Promise<AuditRecord> {
  const filter = await authorizedFilter(store, actor, scope);
  const record = await store.get('auditRecords', id);
  const isInScope =
    record?.orgId === filter.orgId && (filter.groupId === undefined || record.groupId === filter.groupId);
  if (!record || !isInScope) throw new UserError('EVENT_NOT_FOUND', [id]);
  return record;
}

async function authorizedFilter(store: StoreReader, actor: Actor, scope: EventScope): Promise<AuditFilter> {
  if ('groupId' in scope) {
    const { orgId } = await authorizeGroup(store, actor, scope.groupId, 'GROUP_READ_ONLY');
    return { ...scope, orgId };
  }
  await authorizeOrganization(store, actor, scope.orgId, 'ORG_MEMBER');
  return scope;
}
