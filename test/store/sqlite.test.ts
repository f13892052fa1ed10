import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { FIRST_ORDER } from '../../src/contract/index.ts';
import { type Cluster, NEW_MIGRATION, type Organization } from '../../src/control/index.ts';
import { onReach } from '../../src/platform/index.ts';
import { backUpStore, openSqliteStore } from '../../src/store/sqlite/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { testAuditConformance } from './audit-conformance.ts';
import { testStoreConformance } from './conformance.ts';
import { testHookConformance } from './hook-conformance.ts';
import { testListConformance } from './list-conformance.ts';
import { testSampleConformance } from './sample-conformance.ts';

const WINDOW_MS = 120 * 3_600_000;

const create = async () => {
  const folder = temporaryFolder('store');
  return {
    open: async () => openSqliteStore(join(folder.path, 'data')),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
};
testStoreConformance('SQLite', create);
testAuditConformance('SQLite', create);
testHookConformance('SQLite', create);
testSampleConformance('SQLite', create);
testListConformance('SQLite', create);

function organization(id: string, name = id): Organization {
  return { id, name, accessListRequired: false, creatorId: null, createdAtMs: 1, deletedAtMs: null };
}

test('only one server at a time opens a data directory', async () => {
  using folder = temporaryFolder('store');
  {
    await using _store = openSqliteStore(folder.path);
    assert.throws(() => openSqliteStore(folder.path), /in use by another Linkspan process/);
  }
  await using _again = openSqliteStore(folder.path);
});

test('only the owner can read the data directory and the files in it', async () => {
  using folder = temporaryFolder('store');
  const directory = join(folder.path, 'data');
  mkdirSync(directory, { mode: 0o755 });
  await using store = openSqliteStore(directory);
  await store.write((transaction) => transaction.insertOrganization(organization('o')));
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  for (const file of readdirSync(directory)) assert.equal(statSync(join(directory, file)).mode & 0o077, 0, file);
});

test('a store of a newer version is refused and stays unchanged', async () => {
  using folder = temporaryFolder('store');
  await openSqliteStore(folder.path)[Symbol.asyncDispose]();
  const path = join(folder.path, 'linkspan.db');
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(
    () => openSqliteStore(folder.path),
    /schema version 99, but this version of Linkspan supports versions up to \d+/,
  );
  const after = new DatabaseSync(path);
  assert.equal(after.prepare('PRAGMA user_version').get()?.user_version, 99);
  after.close();
});

test('a store of the first version is upgraded with all its records', async () => {
  using folder = temporaryFolder('store');
  const database = new DatabaseSync(join(folder.path, 'linkspan.db'));
  database.exec(readFileSync(new URL('version-1.sql', import.meta.url), 'utf8'));
  database.close();
  await using store = openSqliteStore(folder.path);
  assert.deepEqual((await store.apiKey('abcdefgh'))?.accessList, []);
  const [ready, fresh] = await store.activeMigrations();
  const { orderSent: _, ...earlier } = NEW_MIGRATION;
  assert.deepEqual(ready?.state, {
    ...earlier,
    status: 'WORKING',
    readyForCutover: true,
    windowEndsAtMs: 1000 + WINDOW_MS,
  });
  assert.deepEqual(fresh?.state, earlier);
  assert.equal(ready.reportedAtMs, null);
});

test('a store of the second version is upgraded with access lists, secrets and the references of migrations', async () => {
  using folder = temporaryFolder('store');
  const database = new DatabaseSync(join(folder.path, 'linkspan.db'));
  database.exec(readFileSync(new URL('version-2.sql', import.meta.url), 'utf8'));
  database.close();
  await using store = openSqliteStore(folder.path);
  assert.deepEqual((await store.apiKey('abcdefgh'))?.accessList, [
    { address: '192.0.2.1', createdAtMs: 1 },
    { address: '198.51.100.0/24', createdAtMs: 1 },
  ]);
  const account = await store.serviceAccount(`mdb_sa_id_${'0c'.repeat(12)}`);
  assert.deepEqual(account?.secrets, [
    { id: '3'.repeat(24), hash: 'hash', end: null, createdAtMs: 5, expiresAtMs: null },
  ]);
  assert.deepEqual(account.accessList, [{ address: '192.0.2.1', createdAtMs: 5 }]);
  const [group] = await store.groupsOf('a'.repeat(24));
  assert.ok(group);
  const [cluster] = await store.clustersOf(group.id);
  assert.deepEqual([cluster?.name, cluster?.deletedAtMs], ['C', null]);
  // Foreign keys refer to the new tables.
  await assert.rejects(
    store.write((transaction) => transaction.insertCluster({ ...(cluster as Cluster), id: 'x', groupId: 'none' })),
    /FOREIGN KEY/,
  );
});

test('what an operator wanted of the migrations of an earlier version becomes an order', async () => {
  using folder = temporaryFolder('store');
  const file = join(folder.path, 'linkspan.db');
  {
    using database = new DatabaseSync(file);
    database.exec(readFileSync(new URL('version-2.sql', import.meta.url), 'utf8'));
  }
  await openSqliteStore(folder.path)[Symbol.asyncDispose]();
  const common = { readyForCutover: false, windowEndsAtMs: null, endedAtMs: null, errorMessage: null };
  const finishing = { wanted: 'RUNNING', dropCopied: true, loadLevel: 3, wayBack: 'FINISHING', reversals: 1 };
  const cuttingOver = { wanted: 'CUTOVER', dropCopied: false, loadLevel: 4, copyMegabytesPerSecond: 2.5 };
  const states = [
    { ...common, ...cuttingOver, status: 'WORKING', cutoverAborted: 7, rehearsal: 8, dropsConfirmed: 9 },
    { ...common, ...finishing, status: 'COMPLETE', dropsConfirmed: 9 },
    { ...common, ...finishing, status: 'WORKING' },
  ];
  const idOf = (n: number) => `ab${n}`.repeat(8);
  {
    using database = new DatabaseSync(file);
    const { id: _, state: __, ...row } = database.prepare('SELECT * FROM migrations').get() ?? {};
    const { status: _status, is_active: _active, ...rest } = row;
    const columns = ['id', 'state', ...Object.keys(rest)];
    const insert = database.prepare(`INSERT INTO migrations (${columns}) VALUES (${columns.map(() => '?')})`);
    states.forEach((state, n) => {
      insert.run(idOf(n), JSON.stringify(state), ...Object.values(rest));
    });
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
    database.exec(`PRAGMA user_version = ${version - 1}`);
  }
  await using store = openSqliteStore(folder.path);
  const upgraded = await Promise.all(states.map((_, n) => store.migration(idOf(n))));
  const cutover = { wanted: 'CUTOVER', loadLevel: 4, copyBytesPerSecond: 2_500_000, rehearsal: 8, abort: 7 };
  const closing = { ...FIRST_ORDER, direction: 1, drop: true };
  assert.deepEqual(
    upgraded.map((migration) => migration?.state),
    [
      { ...common, status: 'WORKING', order: { ...FIRST_ORDER, ...cutover, drops: { direction: 0, confirmed: 9 } } },
      {
        ...common,
        status: 'COMPLETE',
        wayBack: 'PREPARING',
        order: { ...closing, drops: { direction: 2, confirmed: 9 }, finish: 1 },
      },
      { ...common, status: 'WORKING', wayBack: 'PLANNED', order: { ...closing, finish: 0 } },
    ],
  );
  const active = new Set((await store.activeMigrations()).map(({ id }) => id));
  assert.ok(states.every((_, n) => active.has(idOf(n))));
});

test('audit records cannot be changed or deleted, not even with SQL', async () => {
  using folder = temporaryFolder('store');
  await openSqliteStore(folder.path)[Symbol.asyncDispose]();
  const database = new DatabaseSync(join(folder.path, 'linkspan.db'));
  database.exec(
    "INSERT INTO audit_records VALUES (1, 'i', 1, 'o', NULL, 'e', 'system', 'n', NULL, '{}', '', 'h', NULL, NULL)",
  );
  assert.throws(() => database.exec("UPDATE audit_records SET hash = 'x'"), /stay as they are/);
  assert.throws(() => database.exec('DELETE FROM audit_records'), /audit records stay/);
  database.close();
});

/** An error as SQLite throws it. */
const sqliteError = (errcode: number) => Object.assign(new Error('database or disk is full'), { errcode });

test('while the disk is full, changes are refused with that reason and reads work; afterwards changes work again', async () => {
  using folder = temporaryFolder('store');
  await using store = openSqliteStore(folder.path);
  const insert = (id: string) => store.write((transaction) => transaction.insertOrganization(organization(id)));
  await insert('before');
  {
    using _full = onReach('store.commit', () => {
      throw sqliteError(13);
    });
    await assert.rejects(insert('lost'), { code: 'STORAGE_FULL' });
    assert.equal((await store.organization('before'))?.name, 'before');
  }
  await insert('after');
  assert.deepEqual((await store.organizations()).map(({ id }) => id).sort(), ['after', 'before']);
});

/** Mounts a disk of 2 MB. Returns a text with the reason when that fails. */
function smallDisk(path: string): Disposable | string {
  const { status, error, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path]);
  if (status !== 0) return `no small disk can be mounted: ${error?.message ?? stderr}`;
  return { [Symbol.dispose]: () => void spawnSync('umount', [path]) };
}

test('a really full disk loses no confirmed write, and writes work again once there is space', async (context) => {
  using folder = temporaryFolder('store');
  const mounted = smallDisk(folder.path);
  if (typeof mounted === 'string') return context.skip(mounted);
  using _disk = mounted;
  const ballast = join(folder.path, 'ballast');
  writeFileSync(ballast, Buffer.alloc(300_000));
  await using store = openSqliteStore(join(folder.path, 'data'));
  const insert = (id: string) =>
    store.write((transaction) => transaction.insertOrganization(organization(id, 'n'.repeat(20_000))));
  let kept = 0;
  const fill = async () => {
    for (; kept < 500; kept += 1) await insert(String(kept));
  };
  await assert.rejects(fill(), { code: 'STORAGE_FULL' });
  assert.equal((await store.organizations()).length, kept);
  rmSync(ballast);
  await insert('healed');
  assert.equal((await store.organizations()).length, kept + 1);
});

test('after a disk failure the store writes nothing more and reports the failure', async () => {
  using folder = temporaryFolder('store');
  const told: string[] = [];
  await using store = openSqliteStore(folder.path, ({ code }) => told.push(code));
  const insert = (id: string) => store.write((transaction) => transaction.insertOrganization(organization(id)));
  {
    // SQLITE_IOERR_FSYNC
    using _failing = onReach('store.commit', () => {
      throw sqliteError(1034);
    });
    await assert.rejects(insert('lost'), { code: 'STORAGE_FAILED' });
  }
  await assert.rejects(insert('later'), { code: 'STORAGE_FAILED' });
  assert.deepEqual([told, await store.organizations()], [['STORAGE_FAILED'], []]);
});

test('a disk failure fails every write that waits for a later commit, and none of them is stored', async () => {
  using folder = temporaryFolder('store');
  const told: string[] = [];
  await using store = openSqliteStore(folder.path, ({ code }) => told.push(code));
  // More writes than two commits take.
  const ids = Array.from({ length: 200 }, (_, number) => String(number));
  let commits = 0;
  using _failing = onReach('store.commit', () => {
    commits += 1;
    if (commits === 1) throw sqliteError(1034);
  });
  const writes = ids.map((id) => store.write((transaction) => transaction.insertOrganization(organization(id))));
  const outcomes = await Promise.allSettled(writes);
  const reasons = new Set(outcomes.map((each) => (each.status === 'rejected' ? each.reason.code : 'stored')));
  assert.deepEqual([[...reasons], commits, told], [['STORAGE_FAILED'], 1, ['STORAGE_FAILED']]);
  assert.deepEqual(await store.organizations(), []);
});

test('a directory that cannot be created is refused with the cause', () => {
  assert.throws(() => openSqliteStore('/dev/null/data'), /The data directory \/dev\/null\/data cannot be used/);
});

test('a backup does not write into a file that somebody else created at its path', async () => {
  using folder = temporaryFolder('store');
  const [data, file, victim] = ['data', 'backup.db', 'victim'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  await using _store = openSqliteStore(data);
  writeFileSync(victim, 'precious');
  for (const name of [`${process.pid}.new`, 'new']) symlinkSync(victim, `${file}.${name}`);
  await backUpStore(data, file);
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
  assert.equal(statSync(file).mode & 0o077, 0);
});
