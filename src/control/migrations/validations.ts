import { failpoint, isId, newId, UserError } from '../../platform/index.ts';
import { authorizeGroup } from '../accounts/actor.ts';
import { audit } from '../audit/audit.ts';
import { addressOfCluster } from '../clusters/clusters.ts';
import { wantUser } from '../clusters/destination-users.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import type { Validation } from '../records/records.ts';
import { assertDigestHelper } from './digests.ts';
import { type OrderRequest, orderDetails, passwordSealer, resolveOrder } from './migration-order.ts';

/**
 * Asks the agent to check whether a migration could succeed.
 * @returns the validation, PENDING until the agent has reported
 * @throws UserError DIGEST_HELPER_NOT_FOUND, and as {@link resolveOrder}
 */
export async function startValidation(
  control: Control,
  actor: Actor,
  groupId: string,
  request: OrderRequest,
): Promise<Validation> {
  const createdAtMs = control.clock.now();
  const id = newId(createdAtMs);
  const seal = passwordSealer(control, 'validations', id);
  const validation = await control.store.write(async (transaction) => {
    const order = await resolveOrder(transaction, createdAtMs, actor, groupId, request, seal);
    await assertDigestHelper(control, transaction, order);
    const record: Validation = {
      ...order,
      id,
      status: 'PENDING',
      errorMessage: null,
      findings: [],
      estimate: null,
      destinationAddress: (await addressOfCluster(control, transaction, order.destinationClusterId)).fingerprint,
      createdAtMs,
    };
    await transaction.insert('validations', record);
    // The same kind of user as for the migration. Otherwise the validation would check the privileges of another user.
    const databaseUser = await wantUser(control, transaction, record, 'validation');
    await audit(transaction, actor, createdAtMs, {
      eventTypeName: 'LIVE_MIGRATION_VALIDATION_CREATED',
      orgId: order.orgId,
      groupId,
      details: { validationId: id, ...orderDetails(order, request.destination.clusterName, databaseUser) },
    });
    return record;
  });
  await failpoint('control.validation.committed');
  control.userAlarm.ring();
  control.signals.wake(validation.agentId);
  return validation;
}

/** @throws UserError INVALID_PATH_PARAMETER, VALIDATION_NOT_FOUND, and as {@link authorizeGroup} */
export async function getValidation(
  { store }: Control,
  actor: Actor,
  groupId: string,
  validationId: string,
): Promise<Validation> {
  await authorizeGroup(store, actor, groupId, 'ORG_OWNER');
  if (!isId(validationId)) throw new UserError('INVALID_PATH_PARAMETER', ['validationId']);
  const validation = await store.get('validations', validationId);
  if (validation?.groupId !== groupId) throw new UserError('VALIDATION_NOT_FOUND', [validationId, groupId]);
  return validation;
}
