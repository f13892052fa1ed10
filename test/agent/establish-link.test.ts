import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentStore } from '../../src/agent/agent-store.ts';
import { establishLink, linkTokenFrom } from '../../src/agent/establish-link.ts';
import { approveLink, deleteLinks, linkedAgentsOf } from '../../src/control/index.ts';
import { formatLinkToken, newLinkToken } from '../../src/link/index.ts';
import { onFailpoint, systemClock, type UserError } from '../../src/platform/index.ts';
import { freePort } from '../support/mongod-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startControlPlane } from './control-plane.ts';

const never = new AbortController().signal;

function establish(dataDir: string, token: string | undefined) {
  return establishLink({ dataDir, host: 'mover', token, clock: systemClock }, never);
}

test('a link-token creates a link that outlives the token and a restart', async () => {
  await using plane = await startControlPlane();
  const token = await plane.newToken();
  const { link } = await establish(plane.agentDirectory, ` ${token}\n`);
  assert.deepEqual([link.orgId, link.serverUrl], [plane.orgId, plane.url]);
  for (const again of [undefined, token]) {
    const { client, link: same } = await establish(plane.agentDirectory, again);
    assert.equal(same.agentId, link.agentId);
    const answer = await client.report({
      sequence: 1,
      validations: [],
      migrations: [],
      takenOver: [],
      watches: [],
      standbys: [],
      stopping: [],
      cutOff: [],
      leaving: false,
    });
    assert.deepEqual(answer, { sequence: 1, resendLists: [], takeBack: [] });
  }
});

test('an agent that is killed between redeeming its token and storing the link gets the same link at the next start', async () => {
  await using plane = await startControlPlane();
  const token = await plane.newToken();
  let reached = 0;
  {
    using _hook = onFailpoint('agent.link-token.redeemed', () => {
      reached += 1;
      throw new Error('killed');
    });
    await assert.rejects(establish(plane.agentDirectory, token), /killed/);
  }
  assert.equal(reached, 1);
  assert.equal(new AgentStore(plane.agentDirectory).link(), undefined);
  const { client } = await establish(plane.agentDirectory, token);
  await client.poll({ revision: null, waitSeconds: 0 });
  const agents = await linkedAgentsOf(plane.control.store, plane.orgId);
  assert.equal(agents.length, 1);
});

test('a used token, a foreign token, a damaged token and a missing token have different errors', async () => {
  await using plane = await startControlPlane();
  const token = await plane.newToken();
  await establish(plane.agentDirectory, token);
  const other = `${plane.agentDirectory}-other`;
  await assert.rejects(establish(other, token), { code: 'LINK_TOKEN_USED' });
  await assert.rejects(
    establish(
      other,
      formatLinkToken(newLinkToken({ serverUrl: plane.url, serverKey: plane.control.serverKeys.publicKeys[0] })),
    ),
    { code: 'LINK_TOKEN_UNKNOWN' },
  );
  const damaged = token.replace(/.$/, token.endsWith('0') ? '1' : '0');
  await assert.rejects(establish(other, damaged), { code: 'LINK_TOKEN_CHECKSUM' });
  await assert.rejects(establish(other, 'mlt_'), { code: 'LINK_TOKEN_MALFORMED' });
  await assert.rejects(establish(other, undefined), { code: 'LINK_TOKEN_MISSING' });
  await assert.rejects(establish(other, await plane.newToken(['192.0.2.1'])), {
    code: 'AGENT_ADDRESS_REFUSED',
    message: 'The address 127.0.0.1 is not on the access list of this link-token.',
  });
});

test('a new token creates a new link for an agent whose link was deleted', async () => {
  await using plane = await startControlPlane();
  const before = await establish(plane.agentDirectory, await plane.newToken());
  await deleteLinks(plane.control, plane.actor, plane.orgId);
  await assert.rejects(before.client.poll({ revision: null, waitSeconds: 0 }), { code: 'LINK_DELETED' });
  const after = await establish(plane.agentDirectory, await plane.newToken([], 'mover'));
  await after.client.poll({ revision: null, waitSeconds: 0 });
  assert.notEqual(after.link.linkId, before.link.linkId);
});

test('an agent that lost its key is linked again with another token, and the old key no longer works', async () => {
  await using plane = await startControlPlane();
  const used = await plane.newToken();
  const before = await establish(plane.agentDirectory, used);
  rmSync(join(plane.agentDirectory, 'agent.key'));
  await assert.rejects(establish(plane.agentDirectory, undefined), { code: 'LINK_TOKEN_MISSING' });
  await assert.rejects(establish(plane.agentDirectory, used), { code: 'LINK_TOKEN_USED' });
  const after = await establish(plane.agentDirectory, await plane.newToken());
  await assert.rejects(after.client.poll({ revision: null, waitSeconds: 0 }), { code: 'AGENT_PENDING_APPROVAL' });
  await approveLink(plane.control, plane.actor, plane.orgId, after.link.linkId);
  await after.client.poll({ revision: null, waitSeconds: 0 });
  await assert.rejects(before.client.poll({ revision: null, waitSeconds: 0 }), { code: 'AGENT_SUPERSEDED' });
});

test('the agent uses plain HTTP only to its own machine', async () => {
  using folder = temporaryFolder('agent');
  for (const url of ['http://link.example.com', 'http://10.0.0.1:8080', 'http://127.0.0.1.example.com']) {
    const token = formatLinkToken(newLinkToken({ serverUrl: url, serverKey: 'k'.repeat(43) }));
    await assert.rejects(establish(folder.path, token), { code: 'CONTROL_PLANE_NOT_SECURE' }, url);
  }
});

test('the error names an unreachable control plane and the reason', async () => {
  using folder = temporaryFolder('agent');
  const url = `http://127.0.0.1:${await freePort()}`;
  await assert.rejects(
    establish(folder.path, formatLinkToken(newLinkToken({ serverUrl: url, serverKey: 'k'.repeat(43) }))),
    ({ code, message }: UserError) =>
      code === 'CONTROL_PLANE_UNREACHABLE' && message.includes(`${url} cannot be reached: connect ECONNREFUSED`),
  );
});

test('the token comes from the environment or from a file', () => {
  using folder = temporaryFolder('agent');
  const file = join(folder.path, 'token');
  writeFileSync(file, 'mlt_x\n');
  assert.equal(linkTokenFrom({ LINKSPAN_LINK_TOKEN: 'mlt_y', LINKSPAN_LINK_TOKEN_FILE: file }), 'mlt_y');
  assert.equal(linkTokenFrom({ LINKSPAN_LINK_TOKEN_FILE: file }), 'mlt_x\n');
  assert.equal(linkTokenFrom({}), undefined);
  assert.throws(() => linkTokenFrom({ LINKSPAN_LINK_TOKEN_FILE: `${file}.none` }), {
    code: 'LINK_TOKEN_FILE_UNREADABLE',
  });
});
