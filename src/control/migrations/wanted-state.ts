import { createHmac } from 'node:crypto';
import type { Assignment, WantedAgentState } from '../../link/index.ts';
import { failpoint } from '../../platform/index.ts';
import { destinationUri } from '../clusters/destination-users.ts';
import { assertLinked, findAgent } from '../links/identify-agent.ts';
import type { Control } from '../ports/control.ts';
import { offersSource, peersOf } from '../records/link-sets.ts';
import { mayBeCommitted } from '../records/may-be-committed.ts';
import { transition } from '../records/migration-transitions.ts';
import type { Agent, Migration, Order } from '../records/records.ts';
import { isFull } from './places.ts';

/**
 * The wanted state of an agent. The revision is a hash of the content, so it needs no counter, and is the same on every server with this
 * store.
 * @throws UserError LINK_DELETED, AGENT_SUPERSEDED, AGENT_UNKNOWN
 */
async function wantedStateOf(control: Control, agentId: string): Promise<WantedAgentState> {
  const linked = await findAgent(control, agentId);
  assertLinked(linked);
  const validations = [];
  for (const validation of await control.store.find('validations', { agentId, status: 'PENDING' })) {
    const { id } = validation;
    const assignment = await assignmentOf(control, 'validations', id, validation);
    if (assignment) validations.push({ id, assignment });
  }
  const migrations = [];
  const active = await control.store.find('migrations', { agentId, isActive: true });
  const isNew = ({ state }: Migration) => !state.orderSent;
  // One look for all that wait: without it, each would take the store's lock at each poll.
  const hasNoPlace = active.some(isNew) && (await isFull(control.store, linked.agent));
  for (const migration of active) {
    if (hasNoPlace && isNew(migration)) continue;
    // rule: stop-to-move
    if (migration.move !== null) continue;
    // With the records of a cutover gone, an engine would begin anew, and drop all writes of users since then.
    // rule: withdraw-drop-permission
    const dropDestination = migration.dropDestination && !mayHaveMoved(migration);
    const assignment = await assignmentOf(control, 'migrations', migration.id, { ...migration, dropDestination });
    if (!assignment) continue;
    const sent = await noteSent(control, migration, agentId);
    if (!sent) continue;
    const { id, state } = sent;
    migrations.push({ id, assignment, order: state.order });
  }
  const watches = [];
  for (const migration of await control.store.find('migrations', { agentId, isWatched: true })) {
    const { id, state } = migration;
    if (state.sourceWatch)
      watches.push({ id, source: sourceOf(control, 'migrations', id, migration), watch: state.sourceWatch });
  }
  const standbys = await wantedStandbys(control, linked.agent);
  const inventoryWantedAtMs = control.signals.inventoryWantedAtMs(agentId);
  const serverKeys = [...control.serverKeys.publicKeys];
  const content = { serverKeys, validations, migrations, standbys, inventoryWantedAtMs };
  // How far a watch is changes with each report of the agent itself.
  const compared = { ...content, watches: watches.map(({ id, source }) => ({ id, source })) };
  // A keyed hash, because the revision is not encrypted: with a plain hash, any reader could verify a guessed password.
  const revision = createHmac('sha256', control.sealer.deriveKey('revisions')).update(JSON.stringify(compared));
  return { revision: revision.digest('base64url'), ...content, watches };
}

/** The migrations for which an agent stands by. */
async function wantedStandbys(control: Control, agent: Agent): Promise<WantedAgentState['standbys']> {
  const standbys = [];
  for (const leader of await peersOf(control.store, agent))
    for (const migration of await control.store.find('migrations', { agentId: leader.id, isActive: true })) {
      const { id } = migration;
      const assignment = offersSource(agent, migration) && (await assignmentOf(control, 'migrations', id, migration));
      if (assignment) standbys.push({ id, source: assignment.source, destination: assignment.destination });
    }
  return standbys;
}

/** Whether users may have moved to the destination. */
function mayHaveMoved({ state, progress }: Migration): boolean {
  return state.status === 'COMPLETE' || state.order.direction > 0 || mayBeCommitted(state, progress);
}

/**
 * Waits until the revision of an agent's wanted state changes.
 * @param revision  the agent's revision; null before the first
 * @param waitMs    maximum wait, after which the function returns the state in any case
 * @param signal    ends the wait when the agent has disconnected
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
 * Records that an order goes to its agent, before the server sends it. A migration that was cancelled earlier has ended, and its order is
 * never sent.
 * @returns the current migration; undefined when it has ended or belongs to another agent now, and while the agent has no place for it
 */
async function noteSent(control: Control, migration: Migration, agentId: string): Promise<Migration | undefined> {
  if (migration.state.orderSent) return migration;
  const now = await control.store.write(async (transaction) => {
    const current = await transaction.get('migrations', migration.id);
    if (current?.agentId !== agentId || current.state.endedAtMs !== null) return undefined;
    const agent = await transaction.get('agents', agentId);
    // rule: most-migrations-of-agent
    if (agent && !current.state.orderSent && (await isFull(transaction, agent))) return undefined;
    const state = transition(current.state, { kind: 'order sent' });
    if (typeof state === 'string') return current;
    const sent = { ...current, state };
    await transaction.update('migrations', sent);
    return sent;
  });
  await failpoint('control.order.sent');
  return now;
}

/** The assignment of an order; undefined until its user exists on the destination. */
async function assignmentOf(
  control: Control,
  kind: 'migrations' | 'validations',
  id: string,
  order: Order,
): Promise<Assignment | undefined> {
  const cluster = await control.store.get('clusters', order.destinationClusterId);
  if (!cluster) throw new Error(`The destination of ${kind} ${id} is missing in the store`);
  const uri = await destinationUri(control, id, cluster);
  if (uri === undefined) return undefined;
  return {
    source: sourceOf(control, kind, id, order),
    destination: { uri },
    dropDestination: order.dropDestination,
    reversible: order.reversible,
    usersAndRoles: order.usersAndRoles,
    ...(order.digestsBy !== null && { digestsBy: order.digestsBy }),
  };
}

function sourceOf({ sealer }: Control, kind: string, id: string, order: Order): Assignment['source'] {
  const place = { kind, id, field: 'password' };
  return {
    projectId: order.sourceGroupId,
    clusterName: order.sourceClusterName,
    username: order.username ?? undefined,
    password: order.password === null ? undefined : sealer.open(order.password, place),
    ssl: order.ssl,
    caCertificatePath: order.caCertificatePath ?? undefined,
  };
}
