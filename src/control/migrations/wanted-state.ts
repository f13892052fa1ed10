import { createHmac } from 'node:crypto';
import type { Assignment, WantedAgentState } from '../../link/index.ts';
import { reach } from '../../platform/index.ts';
import { destinationUri } from '../clusters/destination-users.ts';
import { assertLinked, findAgent } from '../links/identify-agent.ts';
import type { Control } from '../ports/control.ts';
import { transition } from '../records/migration-transitions.ts';
import type { Migration, Order } from '../records/records.ts';

/**
 * Everything that an agent is to do now. The revision is a hash of the content: it needs no counter, and is the same from every
 * server on one store.
 * @throws UserError LINK_DELETED, AGENT_SUPERSEDED, AGENT_UNKNOWN
 */
async function wantedStateOf(control: Control, agentId: string): Promise<WantedAgentState> {
  assertLinked(await findAgent(control, agentId));
  const validations = [];
  for (const validation of await control.store.pendingValidationsOf(agentId)) {
    const { id } = validation;
    const assignment = await assignmentOf(control, 'validations', id, validation);
    if (assignment) validations.push({ id, assignment });
  }
  const migrations = [];
  for (const migration of await control.store.activeMigrationsOfAgent(agentId)) {
    const assignment = await assignmentOf(control, 'migrations', migration.id, migration);
    if (!assignment) continue;
    const sent = await noteSent(control, migration, agentId);
    if (!sent) continue;
    const { id, state } = sent;
    const { wanted, loadLevel, copyMegabytesPerSecond = null, dropsConfirmed = false, dropCopied } = state;
    migrations.push({ id, assignment, wanted, loadLevel, copyMegabytesPerSecond, dropsConfirmed, dropCopied });
  }
  const inventoryWantedAtMs = control.signals.inventoryWantedAtMs(agentId);
  const content = { serverKeys: [...control.serverKeys.publicKeys], validations, migrations, inventoryWantedAtMs };
  // With a key, since the revision travels in the clear: a plain hash would show who guessed a password right.
  const revision = createHmac('sha256', control.sealer.deriveKey('revisions')).update(JSON.stringify(content));
  return { revision: revision.digest('base64url'), ...content };
}

/**
 * Waits until an agent's wanted state has another revision than it knows.
 * @param revision  what the agent has; null: nothing yet
 * @param waitMs    the longest wait; the state is returned then in any case
 * @param signal    ends the wait when the agent has hung up
 * @throws UserError as {@link wantedStateOf}
 */
export async function awaitWantedState(
  control: Control,
  agentId: string,
  revision: string | null,
  waitMs: number,
  signal: AbortSignal,
): Promise<WantedAgentState> {
  const deadlineMs = control.clock.now() + waitMs;
  for (;;) {
    using listening = control.signals.listen(agentId);
    const state = await wantedStateOf(control, agentId);
    const leftMs = deadlineMs - control.clock.now();
    if (state.revision !== revision || leftMs <= 0 || signal.aborted || control.signals.closed) return state;
    const waiting = new AbortController();
    const expiry = control.clock.sleep(leftMs, AbortSignal.any([signal, waiting.signal]));
    await Promise.race([listening.woken, expiry]);
    waiting.abort();
  }
}

/**
 * Puts on record that an order goes to its agent, before it does: one that is cancelled earlier ends at once, and is never sent.
 * @returns the migration as it is now; undefined when it has ended meanwhile, or went to another agent
 */
async function noteSent(control: Control, migration: Migration, agentId: string): Promise<Migration | undefined> {
  if (migration.state.orderSent !== false) return migration;
  const now = await control.store.write(async (transaction) => {
    const current = await transaction.migration(migration.id);
    if (current?.agentId !== agentId || current.state.endedAtMs !== null) return undefined;
    const state = transition(current.state, { kind: 'order sent' });
    if (typeof state === 'string') return current;
    const sent = { ...current, state };
    await transaction.updateMigration(sent);
    return sent;
  });
  await reach('control.order.sent');
  return now;
}

/** Undefined as long as there is no user for it on the destination. */
async function assignmentOf(
  control: Control,
  table: string,
  id: string,
  order: Order,
): Promise<Assignment | undefined> {
  const cluster = await control.store.cluster(order.destinationClusterId);
  if (!cluster) throw new Error(`The destination of ${table} ${id} has vanished from the store`);
  const uri = await destinationUri(control, id, cluster);
  if (uri === undefined) return undefined;
  const place = { table, id, field: 'password' };
  return {
    source: {
      projectId: order.sourceGroupId,
      clusterName: order.sourceClusterName,
      username: order.username ?? undefined,
      password: order.password === null ? undefined : control.sealer.open(order.password, place),
      ssl: order.ssl,
      caCertificatePath: order.caCertificatePath ?? undefined,
    },
    destination: { uri },
    dropDestination: order.dropDestination,
  };
}
