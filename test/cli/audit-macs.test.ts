import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { test } from 'node:test';
import { loadMasterKeys, Sealer } from '../../src/control/index.ts';
import { AtlasClient } from '../support/atlas-client.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const [PUBLIC, PRIVATE] = ['ownerkey', 'a-private-key-of-the-test'];
const ORG_ID = 'ab'.repeat(12);
const env = {
  LINKSPAN_LOG_LEVEL: 'warn',
  LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
  LINKSPAN_BOOTSTRAP_PUBLIC_KEY: PUBLIC,
  LINKSPAN_BOOTSTRAP_PRIVATE_KEY: PRIVATE,
};

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  await using linkspan = runLinkspan(args);
  const { code } = await linkspan.exit;
  return { code, stdout: linkspan.stdout.trim(), stderr: linkspan.stderr.trim() };
}

const verify = (data: string, ...args: string[]) => run('audit', 'verify', '--data-dir', data, ...args);

/** Starts the server, creates projects, and stops it. Each project makes one record. */
async function record(data: string, ...names: string[]): Promise<void> {
  await using server = runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', data], { env });
  const [, url = ''] = await server.waitForLine(/^linkspan serve: ready at (\S+), data in /);
  const client = new AtlasClient(url, PUBLIC, PRIVATE);
  for (const name of names) await client.send('POST', '/groups', { name, orgId: ORG_ID });
  server.kill('SIGTERM');
  await server.exit;
}

/** Changes the store's file as an attacker with write access would. */
function tamper(data: string, work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(data, 'linkspan.db'));
  database.exec('DROP TRIGGER IF EXISTS audit_records_stay; DROP TRIGGER IF EXISTS audit_records_stay_as_they_are');
  work(database);
  database.close();
}

/** Recomputes all hashes as the server does, and all MACs if there is a key. */
function chainAnew(database: DatabaseSync, mac?: (hash: string) => { id: string; mac: string }): void {
  let previous = '';
  for (const row of database.prepare('SELECT * FROM audit_records ORDER BY sequence').all()) {
    const { id, sequence, created_at_ms, org_id, group_id, event_type_name, actor_kind, actor_name, remote_address } =
      row;
    const fields = [
      id,
      sequence,
      created_at_ms,
      org_id,
      group_id,
      event_type_name,
      actor_kind,
      actor_name,
      remote_address,
    ];
    const content = JSON.stringify([...fields, JSON.parse(String(row.details)), previous]);
    const hash = createHash('sha256').update(content).digest('hex');
    const set = (sql: string, ...values: SQLInputValue[]) =>
      database.prepare(`UPDATE audit_records SET ${sql} WHERE sequence = ?`).run(...values, sequence as number);
    set('previous_hash = ?, hash = ?', previous, hash);
    if (mac && row.hash !== hash) set('key_id = ?, mac = ?', mac(hash).id, mac(hash).mac);
    previous = hash;
  }
}

test('verify detects records that were rewritten with correct hashes, and records without a MAC', async () => {
  using folder = temporaryFolder('audit');
  const data = join(folder.path, 'data');
  await record(data, 'a', 'b', 'c');
  assert.equal((await verify(data)).code, 0);
  tamper(data, (database) => {
    database.exec(`UPDATE audit_records SET details = '{"name":"z"}' WHERE sequence = 3`);
    chainAnew(database);
  });
  const anew = await verify(data);
  assert.deepEqual(
    [anew.code, anew.stderr],
    [3, 'linkspan audit: record 3: its MAC is wrong: it was written without the master key'],
  );
  tamper(data, (database) => database.exec('UPDATE audit_records SET key_id = NULL, mac = NULL WHERE sequence >= 3'));
  assert.match((await verify(data)).stderr, /record 3: it has no MAC/);
  tamper(data, (database) =>
    database.exec('UPDATE audit_records SET key_id = NULL, mac = NULL; DELETE FROM audit_keys'),
  );
  assert.match((await verify(data)).stderr, /record 1: it has no MAC/);
});

// id: head-kept-elsewhere
test('with a head that is kept elsewhere, verify detects cut off and restored records, and accepts new ones', async () => {
  using folder = temporaryFolder('audit');
  const [data, older, headFile] = ['data', 'older.db', 'head.json'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  await record(data, 'a');
  assert.equal((await run('backup', '--data-dir', data, '--file', older)).code, 0);
  await record(data, 'b');
  const head = await run('audit', 'head', '--data-dir', data);
  assert.equal(head.code, 0);
  const { sequence, hash, mac, created } = JSON.parse(head.stdout);
  assert.deepEqual([sequence, hash.length, mac.length, new Date(created).toISOString()], [3, 64, 64, created]);
  writeFileSync(headFile, head.stdout);
  await record(data, 'c');
  assert.equal((await verify(data, '--head', headFile)).code, 0);
  writeFileSync(headFile, head.stdout.replace(mac, '0'.repeat(64)));
  assert.match((await verify(data, '--head', headFile)).stderr, /record 3: it differs from the noted record/);
  writeFileSync(headFile, head.stdout);
  tamper(data, (database) => database.exec('DELETE FROM audit_records WHERE sequence > 2'));
  assert.deepEqual(
    [(await verify(data)).code, (await verify(data, '--head', headFile)).stderr],
    [0, 'linkspan audit: record 3: the records up to 3 were cut off'],
  );
  rmSync(join(data, 'linkspan.db'));
  assert.equal((await run('restore', '--data-dir', data, '--file', older)).code, 0);
  await record(data, 'd');
  assert.match((await verify(data, '--head', headFile)).stderr, /record 3: it differs from the noted record/);
});

test('after a rotation of the master key all records are verified, and a record made with the old key is rejected', async () => {
  using folder = temporaryFolder('audit');
  const [data, former] = [join(folder.path, 'data'), join(folder.path, 'former.key')];
  await record(data, 'a');
  copyFileSync(join(data, 'master.key'), former);
  for (const name of ['b', 'c']) {
    assert.equal((await run('keys', 'rotate', '--data-dir', data)).code, 0);
    await record(data, name);
  }
  const whole = await verify(data);
  assert.equal(whole.code, 0, whole.stderr);
  assert.equal(
    (await verify(data, '--master-key-file', former)).code,
    3,
    'the former key opens none of the keys that are kept',
  );
  const key = new Sealer(loadMasterKeys(former, false)).deriveKey('audit records');
  const forged = (text: string) => ({
    id: createHash('sha256').update(key).digest('hex').slice(0, 16),
    mac: createHmac('sha256', key).update(text).digest('hex'),
  });
  const copy = readFileSync(join(data, 'linkspan.db'));
  tamper(data, (database) => {
    database.exec(`UPDATE audit_records SET details = '{"name":"z"}' WHERE sequence = 2`);
    chainAnew(database, forged);
  });
  assert.equal((await verify(data)).code, 3);
  writeFileSync(join(data, 'linkspan.db'), copy);
  tamper(data, (database) => {
    database.exec(
      `DELETE FROM audit_records WHERE sequence > 2; UPDATE audit_records SET details = '{"name":"z"}' WHERE sequence = 2`,
    );
    chainAnew(database, forged);
  });
  assert.match((await verify(data)).stderr, /record 2: its MAC uses a key that was rotated out/);
});
