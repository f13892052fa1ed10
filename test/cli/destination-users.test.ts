import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { type RedeemResponse, wantedState } from '../../src/link/index.ts';
import { cliBody, progress } from '../atlas-api/migration-world.ts';
import { AgentClient, SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { AtlasClient } from '../support/atlas-client.ts';
import { eventually } from '../support/eventually.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { expectHookReached, type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { freePort } from '../support/mongod-process.ts';
import { childrenOf, statusOf } from '../support/process-status.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

checkForLeaks();

const ORG_ID = 'ab'.repeat(12);
const CREDENTIALS = ['testerkey', 'a-private-key-of-the-test'] as const;
/** A user stays 10 s for its engine's last writes, and the server checks users every 10 s. */
const DEADLINE_MS = 60_000;
const POLL_MS = 250;

/**
 * All writes for a user: recorded, role created, user created, recorded as created, half dropped, dropped. A dialler process reaches the points
 * of `destination`: it stops there, and is killed with the server.
 */
const KILLS = [
  'control.migration.committed',
  'destination.user.former-role-left',
  'destination.user.role-made',
  'control.destination-user.made',
  'control.destination-user.recorded',
  'destination.user.role-left',
  'control.destination-user.dropped',
];

test('a migration gets its user, and the user is dropped afterwards, wherever the control plane is killed', async () => {
  await using set = await startReplicaSet({ auth: true });
  await Promise.all(KILLS.map((hook) => migrate(set, hook)));
  const admin = set.client.db('admin');
  const { users } = await admin.command({ usersInfo: 1 });
  const { roles } = await admin.command({ rolesInfo: 1 });
  assert.deepEqual([users.map(({ user }: { user: string }) => user), roles], [['root'], []]);
});

/** Runs a migration from its creation to its end. The control plane is killed once and restarted; the agent only sends requests. */
async function migrate(set: ReplicaSet, hook: string): Promise<void> {
  using folder = temporaryFolder('destination-users');
  const address = `127.0.0.1:${await freePort()}`;
  const [publicKey, privateKey] = CREDENTIALS;
  const serve = async (killAt?: string) => {
    const server = runLinkspan(['serve', '--listen', address, '--data-dir', join(folder.path, 'data')], {
      env: {
        LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
        LINKSPAN_BOOTSTRAP_PUBLIC_KEY: publicKey,
        LINKSPAN_BOOTSTRAP_PRIVATE_KEY: privateKey,
      },
      hook: killAt && `${killAt}=${killAt.startsWith('destination.') ? 'stop' : 'kill'}`,
    });
    await server.waitForLine(/^linkspan serve: ready at /, DEADLINE_MS);
    return server;
  };
  await using first = await serve(hook);
  const atlas = new AtlasClient(`http://${address}`, publicKey, privateKey);
  const { body: group } = await atlas.send('POST', '/groups', { name: 'p', orgId: ORG_ID });
  const groupId = String(group.id);
  const cluster = { name: 'C1', connectionStrings: { standard: set.uri } };
  await atlas.send('POST', `/groups/${groupId}/clusters`, cluster);
  const { body: token } = await atlas.send('POST', `/orgs/${ORG_ID}/liveMigrations/linkTokens`, {});
  const agent = new AgentClient(`http://${address}`);
  const redeemed = await agent.redeem(String(token.linkToken));
  agent.agentId = (redeemed.json as unknown as RedeemResponse).agentId;
  await agent.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments: [SOURCE] }] });

  const killed = hook.startsWith('destination.') ? killWithStopped(first, hook) : expectHookReached(first);
  const restarted = killed.then(() => serve());
  restarted.catch(() => undefined); // A failure shows below, or as a timeout.
  const path = `/groups/${groupId}/liveMigrations`;
  // The answer may be lost when the server is killed.
  await atlas.send('POST', path, cliBody(groupId)).catch(() => undefined);
  const assigned = async () => wantedState.parse((await agent.poll(null)).json).migrations[0];
  const { id, assignment } = await eventually(assigned, { what: `${hook}: an order`, pollMs: POLL_MS });
  const { uri } = assignment.destination;
  assert.equal(new URL(uri).username, `linkspan-${id}`);
  {
    await using client = new MongoClient(uri);
    await client.db('shop').collection(id).insertOne({});
  }
  const state = progress(id, { state: 'COMMITTED' });
  const ended = async () => (await agent.report({ migrations: [{ id, progress: state }] })).status === 200;
  await eventually(ended, { what: `${hook}: the end to be stored`, pollMs: POLL_MS });
  await using _second = await restarted;
  const named = { user: `linkspan-${id}`, db: 'admin' };
  const isGone = async () => {
    const { users } = await set.client.db('admin').command({ usersInfo: named });
    const { roles } = await set.client.db('admin').command({ rolesInfo: { role: named.user, db: 'admin' } });
    return users.length + roles.length === 0;
  };
  await eventually(isGone, { what: `${hook}: the user to be gone`, pollMs: POLL_MS });
}

/** Kills a server when one of its child processes has stopped itself at the named point. */
async function killWithStopped(server: LinkspanProcess, hook: string): Promise<void> {
  const isStopped = () => childrenOf(server.pid).some((pid) => /^State:\s+T/m.test(statusOf(pid)));
  await eventually(isStopped, { what: `${hook}: the process to stop`, pollMs: POLL_MS });
  server.kill('SIGKILL');
  await server.exit;
}
