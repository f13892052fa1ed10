import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Document, MongoClient } from 'mongodb';
import type { Progress } from '../../../src/contract/index.ts';
import { changedAccounts, readAccountsDigest } from '../../../src/engine/accounts/accounts-digest.ts';
import { type MigrationOptions, preflight, ReversibleMigration, Steering } from '../../../src/engine/index.ts';
import { newId, onFailpoint, silentLogger, systemClock } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { leastPrivilegeUsers } from '../../support/least-privilege.ts';
import { expectHookReached, runLinkspan } from '../../support/linkspan-process.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { allowWrites, needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

/** A busy machine takes longer for the steps than a rehearsal allows. */
const patient = { ...systemClock, timeout: (ms: number) => systemClock.timeout(20 * ms) };
const CERTIFICATE = 'CN=machine,OU=fleet,O=shop';
const SERVER_AND_OURS = new Set(['admin', 'config', 'local', 'linkspan_internal']);

describe('users and roles', () => {
  let pair: ReplicaSetPair;
  let clusters: Awaited<ReturnType<typeof leastPrivilegeUsers>>;
  before(async () => {
    pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    clusters = await leastPrivilegeUsers(pair);
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });
  beforeEach(() => startAnew(pair));

  const options = (changes: Partial<MigrationOptions> = {}): MigrationOptions => ({
    migrationId: newId(),
    ...clusters,
    dropDestination: false,
    logger: silentLogger,
    usersAndRoles: true,
    ...changes,
  });
  const start = (changes: Partial<MigrationOptions> = {}) =>
    RunningMigration.start(clusters, { usersAndRoles: true, ...changes });

  // id: accounts-at-cutover
  test('are migrated at the cutover, not by a rehearsal, and old passwords still work', async () => {
    const { source, destination } = pair;
    await makeAccounts(source);
    await using running = start({ clock: patient });
    await running.untilReady();
    running.steering.rehearse(1);
    const ended = (progress: Progress) => progress.cutoverAttempts.at(-1)?.result !== undefined;
    if (!needsSource('6.0', 'it has no write block')) await running.until('the rehearsal to end', ended);
    assert.deepEqual(await ids(destination), ['admin.root', 'admin.writer'], 'no user logs in before the cutover');
    await running.commit();

    assert.deepEqual(await definitions(destination, 'system.roles'), await definitions(source, 'system.roles'));
    const made = (await definitions(source, 'system.users')).filter(({ _id }) => _id !== 'admin.root');
    const there = (await definitions(destination, 'system.users')).filter(({ user }) => !/^(root|writer)$/.test(user));
    assert.deepEqual(there, made);
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-1']) {
      assert.equal(await mayRead(destination, 'app', 'old-password', mechanism), true, mechanism);
    }
    assert.equal(await mayRead(destination, 'aged', 'old-password', 'SCRAM-SHA-1'), true);
    assert.equal(await mayRead(destination, 'idle', 'old-password'), false, 'it has no role');
    await assert.rejects(mayRead(destination, 'app', 'another'), { code: 18 });
    await assertNoCredentialsLeft(destination);
  });

  test('that the destination already has are kept unchanged and reported', async () => {
    const { source, destination } = pair;
    await makeAccounts(source);
    const shop = destination.client.db('shop');
    await shop.command({ createRole: 'reads', privileges: [], roles: [] });
    await shop.command({ createUser: 'app', pwd: 'the-other', roles: ['reads'] });
    const before = await definitions(destination, 'system.users');
    const warnings = (await preflight(options())).filter(({ severity }) => severity === 'WARNING');
    const named = /^The destination keeps its own users admin\.root, shop\.app and roles shop\.reads;/;
    assert.match(warnings.find(({ code }) => code === 'ACCOUNTS_KEPT')?.message ?? '', named);
    await using running = start();
    await running.commit();
    assert.equal(running.progress.warnings.filter((warning) => named.test(warning)).length, 1);
    const afterwards = await definitions(destination, 'system.users');
    for (const user of before) assert.ok(afterwards.some((one) => JSON.stringify(one) === JSON.stringify(user)));
    const [reads] = await definitions(destination, 'system.roles', { role: 'reads' });
    assert.deepEqual(reads?.privileges, []);
    assert.equal(await mayRead(destination, 'aged', 'old-password'), false, 'by the role that the destination kept');
  });

  // id: accounts-change-until-commit
  test('that change until the last moment are migrated as they are then', {
    skip: needsSource('6.0', 'it is not blocked, so that there is no such moment to stop at'),
  }, async () => {
    const { source, destination } = pair;
    await makeAccounts(source);
    const shop = source.client.db('shop');
    using changed = onceAt('engine.cutover.drained', () => changeAccounts(source));
    await using running = start();
    await running.untilReady();
    await shop.command({ createUser: 'early', pwd: 'early-password', roles: ['reads'] });
    await running.commit();
    assert.ok(changed.result !== undefined);
    await assertSame(pair);
    assert.equal(await mayRead(destination, 'app', 'new-password'), true);
    await assert.rejects(mayRead(destination, 'app', 'old-password'), { code: 18 });
    await assert.rejects(mayRead(destination, 'idle', 'old-password'), { code: 18 });
    assert.equal(await mayRead(destination, 'aged', 'again'), true, 'dropped and made again, it is another');
    assert.equal(await mayRead(destination, 'early', 'early-password'), true);
    assert.equal(await mayRead(destination, 'late', 'late-password'), true);
    assert.equal(running.progress.cutover?.writtenAfterCommit, undefined);
  });

  // id: accounts-change-after-commit
  test('that change after the commit are told as late writes', {
    skip: needsSource('6.0', 'it has no write block'),
  }, async () => {
    const { source, destination } = pair;
    await makeAccounts(source);
    const shop = source.client.db('shop');
    using _ = onceAt('engine.cutover.committed', () => shop.command({ updateUser: 'app', pwd: 'new-password' }));
    await using running = start();
    await running.commit();
    const { writtenAfterCommit, watchStart } = running.progress.cutover ?? {};
    assert.deepEqual(writtenAfterCommit, { count: 1, namespaces: 'admin.system.users' });
    assert.equal(await mayRead(destination, 'app', 'old-password'), true);
    assert.match(running.progress.warnings.join('\n'), /the source received 1 change in admin\.system\.users\./);
    assert.ok(watchStart?.accounts !== undefined);
    assert.deepEqual(changedAccounts(watchStart.accounts, await readAccountsDigest(source.client)), [
      'admin.system.users',
    ]);
  });

  test('that an earlier migration made are updated by the next, and no others', async () => {
    const { source, destination } = pair;
    await makeAccounts(source);
    await using first = start({ once: true });
    assert.equal(await first.outcome, 'COMMITTED');
    await changeAccounts(source);
    const shop = destination.client.db('shop');
    await shop.command({ dropUser: 'aged' });
    await shop.command({ createUser: 'aged', pwd: 'of-the-destination', roles: [] });
    await using second = start({ once: true, dropDestination: true });
    assert.equal(await second.outcome, 'COMMITTED');
    assert.equal(await mayRead(destination, 'app', 'new-password'), true);
    assert.equal(await mayRead(destination, 'aged', 'of-the-destination'), false);
    assert.match(second.progress.warnings.join('\n'), /keeps its own users admin\.root, shop\.aged;/);
    await source.client.db('admin').command({ updateRole: 'works', privileges: [] });
    await using third = start({ dropDestination: true });
    await third.untilReady();
    await third.steering.cancel(true);
    assert.equal(await mayRead(destination, 'app', 'new-password'), true, 'another migration made it');
  });

  test('that a migration made are dropped with the rest when it is cancelled', async () => {
    const { source, destination } = pair;
    await makeAccounts(source);
    const before = await ids(destination);
    using _ = onFailpoint('engine.cutover.drained', () => {
      throw new Error('stopped here');
    });
    await using running = start();
    await assert.rejects(running.commit());
    const there = await ids(destination);
    assert.ok(there.includes('shop.app'));
    const roles = (await definitions(destination, 'system.roles')).length;
    const { left } = running.progress;
    assert.deepEqual([left?.users, left?.roles], [there.length - before.length, roles]);
    const again = new ReversibleMigration(options({ migrationId: running.progress.migrationId }));
    const cancelled = new Steering(again).cancel(true);
    assert.equal(await again.run(AbortSignal.timeout(30_000)), 'CANCELLED');
    await cancelled;
    assert.deepEqual([again.progress().left?.users, again.progress().left?.roles], [0, 0]);
    assert.deepEqual(await ids(destination), before);
    assert.deepEqual(await definitions(destination, 'system.roles'), []);
  });

  test('are migrated completely when the engine is killed on the way, again and again', async () => {
    const { source, destination } = pair;
    const { source: from, destination: to } = clusters;
    const arguments_ = ['sync', '--once', '--no-verify', '--users-and-roles'];
    arguments_.push('--cluster0', from.uri, '--cluster1', to.uri);
    await makeAccounts(source);
    let said = '';
    const points = [
      'engine.write.update.accounts',
      'engine.accounts.announced',
      'engine.accounts.put',
      'engine.change._mergeAuthzCollections',
      'engine.accounts.merged',
      'engine.accounts.made',
      'engine.change.dropUser',
      'engine.accounts.users-dropped',
      'engine.change.updateRole',
      'engine.change.dropRole',
      'engine.write.delete.accounts',
    ];
    for (const point of points) {
      if (point === 'engine.change.dropUser') await changeAccounts(source);
      await using killed = runLinkspan(arguments_, { hook: `${point}=kill` });
      await expectHookReached(killed);
      said += killed.stdout + killed.stderr;
    }
    await using again = runLinkspan(arguments_);
    assert.equal((await again.exit).code, 0, again.stderr);
    await assertSame(pair);
    await assertNoCredentialsLeft(destination);
    assert.doesNotMatch(said + again.stdout + again.stderr, /storedKey|serverKey|salt/);
  });

  test('ask for their privileges by name before the first byte, and only when asked for', async () => {
    const { source, destination } = pair;
    await source.createUser('half-reader', 'secret', [
      ...(await withoutAccounts(source, 'backup')),
      'readAnyDatabase',
      'clusterMonitor',
    ]);
    await destination.createUser('half-writer', 'secret', [
      'readWriteAnyDatabase',
      'dbAdminAnyDatabase',
      'clusterMonitor',
      ...(await withoutAccounts(destination, 'restore')),
    ]);
    const weak = {
      source: { uri: source.uriFor('half-reader', 'secret') },
      destination: { uri: destination.uriFor('half-writer', 'secret') },
    };
    assert.deepEqual((await preflight(options({ ...weak, usersAndRoles: false }))).filter(isError), []);
    const missing = (await preflight(options(weak))).filter(({ code }) => code === 'MISSING_PRIVILEGE');
    const [onSource = '', onDestination = ''] = missing.map(({ message }) => message);
    assert.match(
      onSource,
      /half-reader on the source .*: find on admin\.system\.users; find on admin\.system\.roles\.$/,
    );
    for (const what of ['createUser', 'dropUser', 'createRole', 'grantRole', 'revokeRole']) {
      assert.match(onDestination, new RegExp(`half-writer on the destination .*\\b${what}\\b.* on all databases`));
    }
    await assert.rejects(new ReversibleMigration(options(weak)).run(AbortSignal.timeout(30_000)), {
      code: 'MISSING_PRIVILEGE',
    });
    const filters = { include: [{ database: 'shop' }] };
    const namespaceRemap = [{ from: { database: 'shop' }, to: { database: 'store' } }];
    const documentFilters = [{ database: 'shop', collection: 'orders', filter: { n: 1 } }];
    for (const part of [{ filters }, { namespaceRemap }, { documentFilters }]) {
      const [partly] = (await preflight(options(part))).filter(isError);
      assert.equal(partly?.code, 'ACCOUNTS_NEED_WHOLE');
    }
    await source.client.db('admin').command({ dropUser: 'half-reader' });
    await destination.client.db('admin').command({ dropUser: 'half-writer' });
  });
});

function isError({ severity }: { readonly severity: string }): boolean {
  return severity === 'ERROR';
}

/** A role with all privileges of a built-in one but those on users and roles. */
async function withoutAccounts({ client }: ReplicaSet, builtIn: string): Promise<string[]> {
  const { roles } = await client.db('admin').command({ rolesInfo: builtIn, showPrivileges: true });
  const privileges = (roles[0].privileges as { resource: Document; actions: string[] }[])
    .filter(({ resource }) => !/^system\.(users|roles)$/.test(resource.collection ?? ''))
    .map(({ resource, actions }) => ({ resource, actions: actions.filter((one) => !/User$|Role$/.test(one)) }));
  await client.db('admin').command({ createRole: `half-${builtIn}`, privileges, roles: [] });
  return [`half-${builtIn}`];
}

/** Roles of roles in several databases, and users of every kind. */
async function makeAccounts({ client }: ReplicaSet): Promise<void> {
  const [shop, admin] = [client.db('shop'), client.db('admin')];
  await shop.collection('items').insertOne({ n: 1 });
  const privileges = [{ resource: { db: 'shop', collection: 'items' }, actions: ['find'] }];
  await shop.command({ createRole: 'reads', privileges, roles: [] });
  const works = [{ resource: { cluster: true }, actions: ['serverStatus'] }];
  await admin.command({
    createRole: 'works',
    privileges: works,
    roles: ['clusterMonitor', { role: 'reads', db: 'shop' }],
  });
  await client.db('alpha').command({ createRole: 'before', privileges: [], roles: [] });
  const restrictions = [{ clientSource: ['127.0.0.0/8'] }];
  await admin.command({
    createRole: 'all',
    privileges: [],
    roles: ['works', { role: 'before', db: 'alpha' }],
    authenticationRestrictions: restrictions,
  });
  await admin.command({ createRole: 'down', privileges: [], roles: [] });
  await admin.command({ createRole: 'up', privileges: [], roles: ['down'] });
  const roles = [{ role: 'all', db: 'admin' }];
  await shop.command({ createUser: 'app', pwd: 'old-password', roles, customData: { 10: 1, 2: 1.5 } });
  await shop.command({ createUser: 'aged', pwd: 'old-password', roles: ['reads'], mechanisms: ['SCRAM-SHA-1'] });
  await shop.command({ createUser: 'idle', pwd: 'old-password', roles: [] });
  await client.db('$external').command({ createUser: CERTIFICATE, roles });
}

/** Everything that can happen to users and roles. */
async function changeAccounts({ client }: ReplicaSet): Promise<void> {
  const shop = client.db('shop');
  await shop.command({ createRole: 'added', privileges: [], roles: ['reads'] });
  await shop.command({ updateUser: 'app', pwd: 'new-password' });
  await shop.command({ dropUser: 'idle' });
  await shop.command({ dropUser: 'aged' });
  await shop.command({ createUser: 'aged', pwd: 'again', roles: ['added'] });
  await shop.command({ createUser: 'late', pwd: 'late-password', roles: ['added'] });
  await client.db('alpha').command({ dropRole: 'before' });
  // One after the other on the other side, this could be a ring.
  await client.db('admin').command({ updateRole: 'up', roles: [] });
  await client.db('admin').command({ updateRole: 'down', roles: ['up'] });
  const privileges = [{ resource: { cluster: true }, actions: ['inprog'] }];
  await client
    .db('admin')
    .command({ updateRole: 'works', privileges, authenticationRestrictions: [{ clientSource: ['127.0.0.1'] }] });
}

/** Leaves each side what it had at first. */
async function startAnew({ source, destination }: ReplicaSetPair): Promise<void> {
  for (const { client } of [source, destination]) {
    await allowWrites(client);
    for (const { user, db } of await definitions({ client }, 'system.users')) {
      if (!['root', 'reader', 'writer'].includes(user) || db !== 'admin')
        await client.db(db).command({ dropUser: user });
    }
    for (const { role, db } of await definitions({ client }, 'system.roles'))
      await client.db(db).command({ dropRole: role });
    const { databases } = await client.db('admin').command({ listDatabases: 1, nameOnly: true });
    for (const { name } of databases) {
      if (!SERVER_AND_OURS.has(name) || name === 'linkspan_internal') await client.db(name).dropDatabase();
    }
  }
  // The source's own user for migrations is not one of the destination's.
  await destination.client
    .db('admin')
    .command({ dropUser: 'reader' })
    .catch(() => undefined);
}

async function definitions(
  { client }: Pick<ReplicaSet, 'client'>,
  collection: string,
  filter: Document = {},
): Promise<Document[]> {
  const found: Document[] = await client.db('admin').collection(collection).find(filter).sort({ _id: 1 }).toArray();
  // Roles are a set, which servers give any order.
  const sorted = (roles: Document[]) => roles.toSorted((a, b) => (a.role < b.role ? -1 : 1));
  return found.map((one) => ({ ...one, roles: sorted(one.roles) }));
}

async function ids(set: ReplicaSet): Promise<string[]> {
  return (await definitions(set, 'system.users')).map(({ _id }) => _id);
}

/** But for the users that each side had at first. */
async function assertSame({ source, destination }: ReplicaSetPair): Promise<void> {
  const others = { user: { $nin: ['root', 'writer'] } };
  for (const [collection, filter] of [
    ['system.users', others],
    ['system.roles', {}],
  ] as const) {
    assert.deepEqual(await definitions(destination, collection, filter), await definitions(source, collection, filter));
  }
}

async function assertNoCredentialsLeft({ client }: ReplicaSet): Promise<void> {
  const internal = client.db('linkspan_internal');
  for (const { name } of await internal.listCollections().toArray()) {
    const stored = JSON.stringify(await internal.collection(name).find().toArray());
    assert.doesNotMatch(stored, /storedKey|serverKey|SCRAM/, name);
  }
}

/** Logs in as a user of `shop`. @returns whether it may read there; rejects when the password is wrong */
async function mayRead(set: ReplicaSet, user: string, password: string, mechanism?: string): Promise<boolean> {
  const url = set.uriFor(user, password).replace('authSource=admin', 'authSource=shop');
  await using client = new MongoClient(mechanism ? `${url}&authMechanism=${mechanism}` : url);
  await client.connect();
  return await client
    .db('shop')
    .collection('items')
    .findOne()
    .then(
      () => true,
      () => false,
    );
}
