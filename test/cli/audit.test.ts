import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { AtlasClient } from '../support/atlas-client.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const [PUBLIC, PRIVATE] = ['ownerkey', 'a-private-key-of-the-test'];
const ORG_ID = 'ab'.repeat(12);

test('audit verify detects altered, removed and cut off records while the server runs', async () => {
  using folder = temporaryFolder('audit');
  const data = join(folder.path, 'data');
  const env = {
    LINKSPAN_LOG_LEVEL: 'warn',
    LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
    LINKSPAN_BOOTSTRAP_PUBLIC_KEY: PUBLIC,
    LINKSPAN_BOOTSTRAP_PRIVATE_KEY: PRIVATE,
  };
  const verify = async (...args: string[]) => {
    await using linkspan = runLinkspan(['audit', 'verify', '--data-dir', data, ...args]);
    const { code } = await linkspan.exit;
    return { code, stdout: linkspan.stdout.trim(), stderr: linkspan.stderr };
  };
  await using server = runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', data], { env });
  const [, url = ''] = await server.waitForLine(/^linkspan serve: ready at (\S+), data in /);
  const client = new AtlasClient(url, PUBLIC, PRIVATE);
  for (const name of ['a', 'b', 'c']) await client.send('POST', '/groups', { name, orgId: ORG_ID });
  const whole = await verify();
  assert.deepEqual([whole.code, whole.stdout.split(':')[0]], [0, '4'], whole.stderr);
  assert.equal((await verify('--head', whole.stdout)).code, 0);
  assert.equal((await verify('--head', `3:${'0'.repeat(64)}`)).code, 3, 'another third record was noted');
  server.kill('SIGTERM');
  await server.exit;

  /** Changes the file as an attacker with write access would. */
  const tamper = (sql: string) => {
    const database = new DatabaseSync(join(data, 'linkspan.db'));
    database.exec('DROP TRIGGER IF EXISTS audit_records_stay; DROP TRIGGER IF EXISTS audit_records_stay_as_they_are');
    database.exec(sql);
    database.close();
  };
  tamper('DELETE FROM audit_records WHERE sequence = 4');
  assert.equal((await verify()).code, 0, 'without a noted head, records cut off at the end are not missed');
  const cutOff = await verify('--head', whole.stdout);
  assert.match(cutOff.stderr, /record 4: the records up to 4 were cut off/);
  tamper(`UPDATE audit_records SET details = '{"name":"z"}' WHERE sequence = 3`);
  const altered = await verify();
  assert.deepEqual([altered.code, altered.stderr.trim()], [3, 'linkspan audit: record 3: it was altered']);
  tamper('DELETE FROM audit_records WHERE sequence = 2');
  assert.match((await verify()).stderr, /record 3: records are missing, starting with 2/);
});
