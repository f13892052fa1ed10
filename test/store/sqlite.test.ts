import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { findOrganizations, type Organization } from '../../src/control/index.ts';
import { onFailpoint } from '../../src/platform/index.ts';
import { backUpStore, openSqliteReader, openSqliteStore, restoreStore } from '../../src/store/sqlite/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { testAccountConformance } from './account-conformance.ts';
import { testAuditConformance } from './audit-conformance.ts';
import { testStoreConformance } from './conformance.ts';
import { testHookConformance } from './hook-conformance.ts';
import { testListConformance } from './list-conformance.ts';
import { testSampleConformance } from './sample-conformance.ts';

const create = async () => {
  const folder = temporaryFolder('store');
  return {
    open: async () => openSqliteStore(join(folder.path, 'data')),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
};
testStoreConformance('SQLite', create);
testAccountConformance('SQLite', create);
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
  await store.write((transaction) => transaction.insert('organizations', organization('o')));
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

test('a store of 0.2.0 or older is refused, and nothing is written', async () => {
  using folder = temporaryFolder('store');
  const file = join(folder.path, 'linkspan.db');
  {
    using database = new DatabaseSync(file);
    database.exec('CREATE TABLE organizations (id TEXT PRIMARY KEY) STRICT; PRAGMA user_version = 14');
  }
  const before = readFileSync(file);
  const refused = { code: 'STORE_TOO_OLD', message: /0\.2\.0 or older \(schema version 14\)/ };
  assert.throws(() => openSqliteStore(folder.path), refused);
  assert.throws(() => openSqliteReader(folder.path), refused);
  await assert.rejects(restoreStore(file, join(folder.path, 'restored')), refused);
  assert.deepEqual(readFileSync(file), before);
  assert.ok(!existsSync(join(folder.path, 'store-head')));
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
  const insert = (id: string) => store.write((transaction) => transaction.insert('organizations', organization(id)));
  await insert('before');
  {
    using _full = onFailpoint('store.commit', () => {
      throw sqliteError(13);
    });
    await assert.rejects(insert('lost'), { code: 'STORAGE_FULL' });
    assert.equal((await store.get('organizations', 'before'))?.name, 'before');
  }
  await insert('after');
  assert.deepEqual((await findOrganizations(store)).map(({ id }) => id).sort(), ['after', 'before']);
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
    store.write((transaction) => transaction.insert('organizations', organization(id, 'n'.repeat(20_000))));
  let kept = 0;
  const fill = async () => {
    for (; kept < 500; kept += 1) await insert(String(kept));
  };
  await assert.rejects(fill(), { code: 'STORAGE_FULL' });
  assert.equal((await findOrganizations(store)).length, kept);
  rmSync(ballast);
  await insert('healed');
  assert.equal((await findOrganizations(store)).length, kept + 1);
});

test('after a disk failure the store writes nothing more and reports the failure', async () => {
  using folder = temporaryFolder('store');
  const told: string[] = [];
  await using store = openSqliteStore(folder.path, ({ code }) => told.push(code));
  const insert = (id: string) => store.write((transaction) => transaction.insert('organizations', organization(id)));
  {
    // SQLITE_IOERR_FSYNC
    using _failing = onFailpoint('store.commit', () => {
      throw sqliteError(1034);
    });
    await assert.rejects(insert('lost'), { code: 'STORAGE_FAILED' });
  }
  await assert.rejects(insert('later'), { code: 'STORAGE_FAILED' });
  assert.deepEqual([told, await findOrganizations(store)], [['STORAGE_FAILED'], []]);
});

test('a disk failure fails every write that waits for a later commit, and none of them is stored', async () => {
  using folder = temporaryFolder('store');
  const told: string[] = [];
  await using store = openSqliteStore(folder.path, ({ code }) => told.push(code));
  // More writes than two commits take.
  const ids = Array.from({ length: 200 }, (_, number) => String(number));
  let commits = 0;
  using _failing = onFailpoint('store.commit', () => {
    commits += 1;
    if (commits === 1) throw sqliteError(1034);
  });
  const writes = ids.map((id) => store.write((transaction) => transaction.insert('organizations', organization(id))));
  const outcomes = await Promise.allSettled(writes);
  const reasons = new Set(outcomes.map((each) => (each.status === 'rejected' ? each.reason.code : 'stored')));
  assert.deepEqual([[...reasons], commits, told], [['STORAGE_FAILED'], 1, ['STORAGE_FAILED']]);
  assert.deepEqual(await findOrganizations(store), []);
});

test('a directory that cannot be created is refused with the cause', () => {
  assert.throws(() => openSqliteStore('/dev/null/data'), /The data directory \/dev\/null\/data cannot be used/);
});

test('a backup does not write into a file that another client created at its path', async () => {
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
