import assert from 'node:assert/strict';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CheckFinding, checkAgent } from '../../src/agent/check.ts';
import type { AgentConfiguration } from '../../src/agent/configuration.ts';
import { establishLink } from '../../src/agent/establish-link.ts';
import { deleteLinks } from '../../src/control/index.ts';
import { type Clock, systemClock } from '../../src/platform/index.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { SOURCE_PROJECT, startControlPlane } from './control-plane.ts';

const never = new AbortController().signal;

test('a check reports what works, and problems with their remedies; it creates no key and redeems no token', async () => {
  await using plane = await startControlPlane();
  await using cluster = await startReplicaSet();
  const { agentDirectory: dataDir } = plane;
  const configuration = (...uris: string[]): AgentConfiguration => ({
    host: 'mover',
    dataDir,
    plainHttp: 'loopback',
    projects: [
      { id: SOURCE_PROJECT, name: 'shop', deployments: uris.map((uri, at) => ({ name: `orders-${at}`, uri })) },
    ],
  });
  const check = async (token?: string, clock: Clock = systemClock, ...uris: string[]) => {
    const findings: CheckFinding[] = [];
    for await (const one of checkAgent(configuration(...uris), token, clock)) findings.push(one);
    return findings;
  };
  const failed = (findings: CheckFinding[]) =>
    findings.filter(({ ok }) => !ok).map(({ message }) => /\[(\w+)\]$/.exec(message)?.[1]);

  assert.deepEqual(failed(await check()), ['LINK_TOKEN_MISSING']);
  assert.deepEqual(failed(await check('mlt_x')), ['LINK_TOKEN_MALFORMED']);
  const token = await plane.newToken();
  const closed = 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200';
  const before = await check(token, systemClock, cluster.uri, closed);
  assert.deepEqual(failed(before), ['SOURCE_UNREACHABLE']);
  assert.match(before[1]?.message ?? '', /^answers; the clocks agree$/);
  assert.match(before[2]?.message ?? '', /^MongoDB \d\S+, 0 B, primary 127\.0\.0\.1:\d+$/);
  assert.ok(!existsSync(dataDir));

  const renamed = `${cluster.uri.replace(/replicaSet=[^&]+/, 'replicaSet=other')}&serverSelectionTimeoutMS=500`;
  const unencoded = cluster.uri.replace('mongodb://', 'mongodb://mover:hid@den@');
  const misleading = await check(token, systemClock, renamed, unencoded);
  assert.deepEqual(failed(misleading), ['WRONG_REPLICA_SET', 'INVALID_CONNECTION_STRING']);
  assert.match(misleading[2]?.message ?? '', /belongs to replica set `rs-.+`, but the connection string says `other`/);
  assert.match(misleading[3]?.message ?? '', /percent-encoded/);
  assert.doesNotMatch(misleading[3]?.message ?? '', /hid|den@/);
  await using locked = await startReplicaSet({ auth: true });
  const nobody = locked.uri.replace(/\/\/[^@]+@/, '//');
  assert.deepEqual(failed(await check(token, systemClock, nobody)), ['AUTHENTICATION_REQUIRED']);
  await locked.createUser('weak', 'secret', ['readAnyDatabase']);
  await locked.createUser('enough', 'secret', ['readAnyDatabase', 'backup', 'clusterMonitor']);
  const [weak, enough] = [locked.uriFor('weak', 'secret'), locked.uriFor('enough', 'secret')];
  const privileges = await check(token, systemClock, weak, enough);
  assert.deepEqual(failed(privileges), ['MISSING_PRIVILEGE']);
  assert.match(privileges[2]?.message ?? '', /User admin\.weak on the source lacks .*grantRolesToUser\("weak"/);

  await establishLink({ dataDir, host: 'mover', token, clock: systemClock }, never);
  assert.deepEqual(failed(await check()), []);
  const ahead = { ...systemClock, now: () => Date.now() + 120_000 };
  assert.match((await check(undefined, ahead))[1]?.message ?? '', /this clock is 1(19|20|21) s ahead of its/);
  chmodSync(join(dataDir, 'agent.key'), 0o644);
  assert.deepEqual(failed(await check()), ['AGENT_KEY_EXPOSED']);
  chmodSync(join(dataDir, 'agent.key'), 0o600);
  await deleteLinks(plane.control, plane.actor, plane.orgId);
  assert.deepEqual(failed(await check()), ['LINK_DELETED']);
  await plane.goDown();
  assert.deepEqual(failed(await check()), ['CONTROL_PLANE_UNREACHABLE']);
});
