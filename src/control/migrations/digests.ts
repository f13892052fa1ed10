import type { DigestAnswer, DigestAskRequest, DigestOffer, DigestWork, DigestWorkRequest } from '../../link/index.ts';
import { UserError } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';
import { linkedAgentsOf } from '../records/queries.ts';
import type { Agent, Order } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';

/**
 * Checks that the digest helper of an order, if it names one, is there.
 * @throws UserError DIGEST_HELPER_NOT_FOUND
 */
export async function assertDigestHelper(control: Control, store: StoreReader, order: Order): Promise<void> {
  if (order.digestsBy !== null) await helperOf(control, store, order, order.digestsBy);
}

/**
 * Passes a question of an agent about the destination of a migration on to the migration's digest helper.
 * @param signal  ends the wait when the agent has disconnected
 * @throws UserError DIGEST_NOT_ORDERED unless the agent leads such a migration, DIGEST_HELPER_NOT_FOUND, DIGESTS_BUSY, DIGEST_UNANSWERED
 */
export async function askForDigest(
  control: Control,
  agent: Agent,
  { migrationId, question }: Omit<DigestAskRequest, 'answerKey'>,
  signal: AbortSignal,
): Promise<DigestAnswer> {
  const migration = await control.store.get('migrations', migrationId);
  const host = migration?.digestsBy ?? null;
  // rule: ask-for-own-migration
  if (!migration || host === null || migration.agentId !== agent.id || migration.state.endedAtMs !== null)
    throw new UserError('DIGEST_NOT_ORDERED', [migrationId]);
  const { helper, offer } = await helperOf(control, control.store, migration, host);
  const asked = { orgId: migration.orgId, migrationId, offer, question };
  return await control.signals.digests.ask(asked, helper, control.clock, signal);
}

/** Takes a helper's answer to its last question, and waits for the next one. @param signal  as for {@link askForDigest} */
export async function workOnDigests(
  { clock, signals }: Control,
  agent: Agent,
  { offers, answer, waitSeconds }: Omit<DigestWorkRequest, 'answerKey'>,
  signal: AbortSignal,
): Promise<DigestWork> {
  if (answer !== undefined) signals.digests.answer(agent.id, answer.id, answer.result);
  const work = await signals.digests.next(agent.id, offers, { waitMs: waitSeconds * 1_000, clock, signal });
  return { work: work === undefined ? null : { id: work.id, offer: work.offer, question: work.question } };
}

/**
 * Finds the linked agent of the order's organization that offers digests of the order's destination.
 * @throws UserError DIGEST_HELPER_NOT_FOUND
 */
async function helperOf(
  { clock, signals }: Control,
  store: StoreReader,
  { orgId, groupId, destinationClusterId }: Order,
  host: string,
): Promise<{ readonly helper: Agent; readonly offer: DigestOffer }> {
  const cluster = await store.get('clusters', destinationClusterId);
  const offer = { projectId: groupId, clusterName: cluster?.name ?? '' };
  // rule: helper-of-own-organization
  const helper = (await linkedAgentsOf(store, orgId)).find((agent) => agent.host === host);
  // rule: helper-of-own-project
  if (helper === undefined || !signals.digests.offers(helper.id, offer, clock.now()))
    throw new UserError('DIGEST_HELPER_NOT_FOUND', [host, offer.clusterName, groupId]);
  return { helper, offer };
}
