import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dateOf } from '../../src/contract/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, prepare, progress } from '../atlas-api/migration-world.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ACCOUNT = { clientId: `mdb_sa_id_${'0c'.repeat(12)}`, secret: 'mdb_sa_sk_0123456789abcdefghijklmnopqrstuv' };

test('the command line administers the API with digest and service accounts, for people and programs', async () => {
  await using plane = await startControlPlane({ bootstrapping: { serviceAccount: ACCOUNT } });
  using folder = temporaryFolder('administration');
  const profiles = join(folder.path, 'profiles.yaml');
  writeFileSync(
    profiles,
    `account: { url: '${plane.url}', orgId: ${plane.orgId}, clientId: ${ACCOUNT.clientId}, clientSecret: '\${SECRET}' }\n`,
  );
  const key = {
    LINKSPAN_URL: plane.url,
    LINKSPAN_ORG_ID: plane.orgId,
    LINKSPAN_PUBLIC_KEY: plane.publicKey,
    LINKSPAN_PRIVATE_KEY: plane.privateKey,
  };
  const run = async (args: string[], env: Record<string, string> = key) => {
    await using linkspan = runLinkspan(args, {
      env: { LINKSPAN_CONFIG_FILE: profiles, SECRET: ACCOUNT.secret, ...env },
    });
    const { code } = await linkspan.exit;
    return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
  };
  const made = await run(['project', 'create', '--name', 'shop', '--output', 'json']);
  assert.equal(made.code, 0, made.stderr);
  const projectId = String(JSON.parse(made.stdout).id);
  const listed = await run(['project', 'list', '--profile', 'account'], {});
  assert.equal(listed.stdout, `${'id'.padEnd(24)}  name  clusterCount\n${projectId}  shop  0\n`, listed.stderr);
  const cluster = ['--name', 'C', '--connectionString', 'mongodb://u:canary@h/?replicaSet=r', '--projectId', projectId];
  const registered = await run(['cluster', 'create', ...cluster]);
  assert.ok(registered.code === 0 && !registered.stdout.includes('canary'), registered.stderr);
  const apiKey = await run([
    'api-key',
    'create',
    '--desc',
    'd',
    '--role',
    'ORG_MEMBER,ORG_READ_ONLY',
    '--output',
    'json',
  ]);
  assert.equal(JSON.parse(apiKey.stdout).roles.length, 2);
  assert.match((await run(['link-token', 'create'])).stdout, /^linkToken\nmlt_/);
  assert.equal((await run(['clusters', 'delete', 'C', '--projectId', projectId])).code, 0);
  assert.match((await run(['event', 'list'])).stdout, /CLUSTER_DELETED/);

  const unknown = await run(['migration', 'describe', 'f'.repeat(24), '--projectId', projectId]);
  assert.deepEqual([unknown.code, unknown.stdout], [2, '']);
  assert.match(unknown.stderr, /refused: No live migration with ID f+ exists .*LIVE_MIGRATION_NOT_FOUND/);
  assert.match(
    (await run(['cluster', 'list'])).stderr,
    /--projectId is needed, or LINKSPAN_PROJECT_ID, or projectId in the profile\..*\[USAGE\]/,
  );
  assert.match(
    (await run(['migration', 'create', '--clusterName', 'C'])).stderr,
    /--migrationHost, --sourceClusterName, --sourceProjectId are needed; --projectId is needed, or/,
  );
  assert.match((await run(['project', 'create'])).stderr, /an argument is needed, as in linkspan project create NAME/);
  const noScheme = await run(['org', 'list'], { ...key, LINKSPAN_URL: '127.0.0.1:18080' });
  assert.match(noScheme.stderr, /write http:\/\/127\.0\.0\.1:18080/);
  const none = await run(['migration', 'list', '--projectId', projectId]);
  assert.deepEqual([none.code, none.stdout, none.stderr], [0, '', 'linkspan: no live migrations\n']);
  const nobody = await run(['org', 'list'], { ...key, LINKSPAN_URL: 'http://127.0.0.1:1' });
  assert.match(nobody.stderr, /cannot be reached: .*\[API_UNREACHABLE\]/);
  const wrong = await run(['org', 'list'], { ...key, LINKSPAN_PRIVATE_KEY: 'canary' });
  assert.ok(wrong.code === 2 && !wrong.stderr.includes('canary'), wrong.stderr);
  const UNAUTHORIZED = /does not accept the API key: You are not authorized for this resource\..*\[API_UNAUTHORIZED\]/;
  assert.match(wrong.stderr, UNAUTHORIZED);
  assert.match(wrong.stderr, /LINKSPAN_PRIVATE_KEY/);
  assert.doesNotMatch(wrong.stderr, /UNEXPECTED_ERROR|fault of Linkspan/);
  const unknownKey = await run(['org', 'list'], { ...key, LINKSPAN_PUBLIC_KEY: 'nobody' });
  assert.match(unknownKey.stderr, UNAUTHORIZED);
  const wrongSecret = await run(['project', 'list', '--profile', 'account'], { SECRET: `mdb_sa_sk_${'x'.repeat(38)}` });
  assert.match(wrongSecret.stderr, /does not accept the service account: .*credentials.*\[API_UNAUTHORIZED\]/);
  assert.match(wrongSecret.stderr, /LINKSPAN_CLIENT_SECRET/);
  const otherOrg = await run(['org', 'describe', 'f'.repeat(24)]);
  assert.match(otherOrg.stderr, /refused: .*\((ORG_NOT_FOUND|USER_CANNOT_ACCESS_ORG|NOT_IN_ORG)\)/);
});

test('a migration whose source is blocked shows since when', async () => {
  await using plane = await startControlPlane();
  const { path, groupId, agent } = await prepare(plane);
  const id = String((await plane.api('POST', path, { body: cliBody(groupId) })).json._id);
  const cutover = {
    requestedAt: dateOf(0),
    blocking: true,
    sourceBlockedAt: dateOf(Date.parse('2026-11-01T12:00:02Z')),
  };
  await agent.report({ migrations: [{ id, progress: progress(id, { state: 'COMMITTING', cutover }) }] });
  const env = {
    LINKSPAN_URL: plane.url,
    LINKSPAN_PUBLIC_KEY: plane.publicKey,
    LINKSPAN_PRIVATE_KEY: plane.privateKey,
  };
  await using described = runLinkspan(['migration', 'describe', id, '--projectId', groupId], { env });
  assert.equal((await described.exit).code, 0, described.stderr);
  assert.match(described.stdout, /^source blocked +since 2026-11-01T12:00:02\.000Z$/m);
});
