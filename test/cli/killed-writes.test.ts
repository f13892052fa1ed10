import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { AtlasClient } from '../support/atlas-client.ts';
import { expectHookReached, runLinkspan } from '../support/linkspan-process.ts';
import { freePort } from '../support/mongod-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ORG_ID = 'ab'.repeat(12);
const ENV = {
  LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
  LINKSPAN_BOOTSTRAP_PUBLIC_KEY: 'testerkey',
  LINKSPAN_BOOTSTRAP_PRIVATE_KEY: 'a-private-key-of-the-test',
  LINKSPAN_CHECK_DESTINATIONS: 'form',
};
const ORG = `/orgs/${ORG_ID}`;
const SEEN = [ORG, `${ORG}/settings`, '/groups', `${ORG}/apiKeys`, `${ORG}/serviceAccounts`];

type Json = Record<string, unknown>;
interface Named extends Json {
  readonly id: string;
  readonly name: string;
  readonly clientId: string;
  readonly secrets: readonly { readonly id: string }[];
}
/** A snapshot of everything that the API shows, for comparison. */
interface Seen {
  readonly all: Readonly<Record<string, Json>>;
  readonly groupId: string;
  readonly keyId: string;
  readonly clientId: string;
  readonly secretId: string;
  readonly events: number;
  readonly newest: unknown;
}

type Step = readonly [event: string, method: 'POST' | 'PATCH' | 'DELETE', path: (seen: Seen) => string, body?: object];

const standard = 'mongodb://mover:secret@d1:27017/?replicaSet=rs';
const account = { name: 'robot', description: '', roles: ['ORG_MEMBER'], secretExpiresAfterHours: 8 };
const entry = [{ ipAddress: '192.0.2.1' }];
const keys = ({ keyId }: Seen) => `${ORG}/apiKeys/${keyId}`;
const accounts = ({ clientId }: Seen) => `${ORG}/serviceAccounts/${clientId}`;
const group = ({ groupId }: Seen) => `/groups/${groupId}`;

/** One write of each kind, ordered so that earlier ones create what later ones need. */
const STEPS: readonly Step[] = [
  ['ORG_RENAMED', 'PATCH', () => ORG, { name: 'renamed' }],
  ['GROUP_CREATED', 'POST', () => '/groups', { name: 'shop', orgId: ORG_ID }],
  ['GROUP_NAME_CHANGED', 'PATCH', group, { name: 'stock' }],
  ['CLUSTER_CREATED', 'POST', (seen) => `${group(seen)}/clusters`, { name: 'C', connectionStrings: { standard } }],
  [
    'CLUSTER_UPDATED',
    'PATCH',
    (seen) => `${group(seen)}/clusters/C`,
    { connectionStrings: { standard: standard.replace('d1', 'd2') } },
  ],
  ['API_KEY_CREATED', 'POST', () => `${ORG}/apiKeys`, { desc: 'made', roles: ['ORG_MEMBER'] }],
  ['API_KEY_ACCESS_LIST_ENTRY_ADDED', 'POST', (seen) => `${keys(seen)}/accessList`, entry],
  ['API_KEY_ADDED_TO_GROUP', 'POST', (seen) => `${group(seen)}/apiKeys/${seen.keyId}`, [{ roles: ['GROUP_OWNER'] }]],
  ['API_KEY_DELETED', 'DELETE', keys],
  ['SERVICE_ACCOUNT_CREATED', 'POST', () => `${ORG}/serviceAccounts`, account],
  ['SERVICE_ACCOUNT_SECRET_ADDED', 'POST', (seen) => `${accounts(seen)}/secrets`, { secretExpiresAfterHours: 8 }],
  ['SERVICE_ACCOUNT_SECRET_DELETED', 'DELETE', (seen) => `${accounts(seen)}/secrets/${seen.secretId}`],
  ['SERVICE_ACCOUNT_DELETED', 'DELETE', accounts],
  ['LINK_TOKEN_CREATED', 'POST', () => `${ORG}/liveMigrations/linkTokens`, {}],
  ['LINKS_DELETED', 'DELETE', () => `${ORG}/liveMigrations/linkTokens`],
  ['CLUSTER_DELETED', 'DELETE', (seen) => `${group(seen)}/clusters/C`],
  ['GROUP_DELETED', 'DELETE', group],
];

test('a server that is killed just before or after a commit has nothing or all of that write, for every kind of write', async () => {
  using folder = temporaryFolder('killed-writes');
  await using servers = new AsyncDisposableStack();
  const address = `127.0.0.1:${await freePort()}`;
  const serve = async (hook: string) => {
    const args = ['serve', '--listen', address, '--data-dir', join(folder.path, 'data')];
    // A start commits twice: for values under an old master key, and for the given keys.
    const server = servers.use(runLinkspan(args, { env: ENV, hook: `${hook}@3=kill` }));
    await server.waitForLine(/^linkspan serve: ready at /);
    return server;
  };
  const { LINKSPAN_BOOTSTRAP_PUBLIC_KEY: publicKey, LINKSPAN_BOOTSTRAP_PRIVATE_KEY: privateKey } = ENV;
  const client = new AtlasClient(`http://${address}`, publicKey, privateKey);
  const get = async (path: string) =>
    (await client.send<Json & { results: Named[]; totalCount: number }>('GET', path)).body;
  const look = async (): Promise<Seen> => {
    const all: Record<string, Json> = {};
    for (const path of SEEN) all[path] = await get(path);
    const last = (path: string) => (all[path]?.results as Named[] | undefined)?.at(-1);
    const groupId = last('/groups')?.id ?? '';
    const keyId = last(`${ORG}/apiKeys`)?.id ?? '';
    const within = groupId ? [`/groups/${groupId}/clusters`, `/groups/${groupId}/apiKeys`] : [];
    for (const path of [...within, `${ORG}/apiKeys/${keyId}/accessList`]) all[path] = await get(path);
    const events = await get(`${ORG}/events`);
    const made = last(`${ORG}/serviceAccounts`);
    return {
      all,
      groupId,
      keyId,
      clientId: made?.clientId ?? '',
      secretId: made?.secrets.at(-1)?.id ?? '',
      events: events.totalCount,
      newest: events.results[0]?.eventTypeName,
    };
  };

  {
    // The first start also creates the keys that sign answers.
    await using _first = await serve('none');
  }
  let server = await serve('store.commit');
  let before = await look();
  for (const [event, method, path, body] of STEPS) {
    const write = async () => {
      await assert.rejects(client.request(method, path(before), body), event);
      await expectHookReached(server);
    };
    await write();
    server = await serve('store.committed');
    assert.deepEqual(await look(), before, `${event}, killed before its commit`);
    await write();
    // The same server is then killed before the commit of the next step.
    server = await serve('store.commit');
    const after = await look();
    assert.deepEqual([after.events, after.newest], [before.events + 1, event], 'killed after its commit');
    if (!event.startsWith('LINK')) assert.notDeepEqual(after.all, before.all, event);
    before = after;
  }
});
