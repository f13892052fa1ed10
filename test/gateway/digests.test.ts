import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Actor, createLinkToken } from '../../src/control/index.ts';
import { DigestRelay, MOST_OF_MIGRATION, MOST_OF_ORGANIZATION } from '../../src/control/ports/digest-relay.ts';
import { AnswerKey, type DigestQuestion } from '../../src/link/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { addOrganization, type ControlPlane, startControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, prepare } from '../atlas-api/migration-world.ts';
import { eventually } from '../support/eventually.ts';
import { AgentClient, linkAgent } from './agent-client.ts';

const QUESTION: DigestQuestion = {
  clusterId: '1'.repeat(24),
  database: 'shop',
  collection: 'items',
  uuid: '2'.repeat(32),
  isClustered: false,
  high: 'EAEAAAA=',
  documents: 3,
  readAfter: { t: 1, i: 1 },
};
const ANSWER = { documents: 3, digest: 'ab'.repeat(32) };
const OTHER_PROJECT = '9'.repeat(24);

/** Sends a request whose answer is sealed. @returns what is in it, or the refusal */
async function send(agent: AgentClient, call: string, message: object) {
  const key = new AnswerKey();
  const answer = await agent.send(call, { answerKey: key.publicKey, ...message });
  if (answer.status !== 200) return { errorCode: answer.json.errorCode, detail: answer.json.detail };
  return JSON.parse(key.open(String(answer.json.sealed)));
}

const offersOf = (projectId: string, clusterName = 'C1') => [{ projectId, clusterName }];
const work = (agent: AgentClient, projectId: string, more: object = {}) =>
  send(agent, 'digest-work', { waitSeconds: 0, offers: offersOf(projectId), ...more });

async function prepareHelper(plane: ControlPlane) {
  const { agent, groupId, path } = await prepare(plane);
  const helper = await linkAgent(plane, 'helper');
  const create = async (digestsBy: string | undefined) =>
    (await plane.api('POST', path, { body: cliBody(groupId, { linkspan: { digestsBy } }) })).json;
  return { agent, groupId, helper, create };
}

/** Waits for the question that an agent has asked. */
async function taken(helper: AgentClient, groupId: string) {
  const took = async () => (await work(helper, groupId)).work;
  return await eventually(took, { what: 'a question', pollMs: 10 });
}

// id: digests-by-relay
test('a question goes to the helper of its migration, and the answer back, both sealed', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, helper, create } = await prepareHelper(plane);
  await work(helper, groupId);
  const migrationId = String((await create('helper'))._id);
  const { migrations } = (await agent.poll(null)).json as never as {
    migrations: { assignment: { digestsBy?: string } }[];
  };
  assert.equal(migrations[0]?.assignment.digestsBy, 'helper');

  const waiting = work(helper, groupId, { waitSeconds: 30 });
  const asking = send(agent, 'digest-ask', { migrationId, question: QUESTION });
  const got = (await waiting).work;
  assert.deepEqual([got.question, got.offer], [QUESTION, { projectId: groupId, clusterName: 'C1' }]);
  await work(helper, groupId, { answer: { id: got.id, result: ANSWER } });
  assert.deepEqual(await asking, ANSWER);

  const failing = send(agent, 'digest-ask', { migrationId, question: QUESTION });
  const next = await taken(helper, groupId);
  await work(helper, groupId, { answer: { id: next.id, result: { error: 'it reads another cluster' } } });
  assert.match(String((await failing).detail), /host helper did not answer: it reads another cluster/);
});

test('a migration names a helper that is linked, heard of, and offers its destination', async () => {
  await using plane = await startControlPlane();
  const { groupId, helper, create } = await prepareHelper(plane);
  const refused = /No linked agent on host helper offers digests of cluster C1 of project [0-9a-f]{24}/;
  const refusal = async () => {
    const { errorCode, detail } = await create('helper');
    assert.equal(errorCode, 'DIGEST_HELPER_NOT_FOUND');
    assert.match(String(detail), refused);
  };
  await refusal();
  await work(helper, OTHER_PROJECT);
  await refusal();
  await work(helper, groupId, { offers: offersOf(groupId, 'C2') });
  await refusal();
  await work(helper, groupId);
  assert.equal((await create('helper')).errorCode, undefined);
});

test('an agent of another organization is no helper, whatever it offers', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, helper, create } = await prepareHelper(plane);
  const other = await otherAgent(plane, 'other');
  await work(other, groupId);
  assert.equal((await create('other')).errorCode, 'DIGEST_HELPER_NOT_FOUND');

  await work(helper, groupId);
  const migrationId = String((await create('helper'))._id);
  const asking = send(agent, 'digest-ask', { migrationId, question: QUESTION });
  const got = await taken(helper, groupId);
  const { work: none } = await work(other, groupId, { answer: { id: got.id, result: { error: 'forged' } } });
  assert.equal(none, null);
  await work(helper, groupId, { answer: { id: got.id, result: ANSWER } });
  assert.deepEqual(await asking, ANSWER);
});

test('only the agent that leads a migration asks its helper', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, helper, create } = await prepareHelper(plane);
  await work(helper, groupId);
  const plain = String((await create(undefined))._id);
  const cases = [
    ['a migration without a helper', agent, plain],
    ['no migration', agent, '8'.repeat(24)],
  ] as const;
  for (const [what, asker, migrationId] of cases)
    assert.equal(
      (await send(asker, 'digest-ask', { migrationId, question: QUESTION })).errorCode,
      'DIGEST_NOT_ORDERED',
      what,
    );
  const body = cliBody(groupId, {
    destination: { clusterName: 'C2' },
    migrationHosts: ['host-2'],
    linkspan: { digestsBy: 'helper' },
  });
  await linkAgent(plane, 'host-2');
  await work(helper, groupId, { offers: offersOf(groupId, 'C2') });
  const created = await plane.api('POST', `/api/atlas/v2/groups/${groupId}/liveMigrations`, { body });
  const migrationId = String(created.json._id);
  for (const asker of [agent, helper, await otherAgent(plane, 'host-2')])
    assert.equal(
      (await send(asker, 'digest-ask', { migrationId, question: QUESTION })).errorCode,
      'DIGEST_NOT_ORDERED',
    );
});

test('messages of another form are refused, and answer no question', async () => {
  await using plane = await startControlPlane();
  const { agent, groupId, helper, create } = await prepareHelper(plane);
  await work(helper, groupId);
  const migrationId = String((await create('helper'))._id);
  for (const change of [
    { high: 'not base64' },
    { high: 'A'.repeat(4_000) },
    { documents: 0 },
    { clusterId: '' },
    { filter: {} },
  ]) {
    const refusal = await send(agent, 'digest-ask', { migrationId, question: { ...QUESTION, ...change } });
    assert.equal(refusal.errorCode, 'LINK_MESSAGE_INVALID', JSON.stringify(change));
  }
  const asking = send(agent, 'digest-ask', { migrationId, question: QUESTION });
  const { id } = await taken(helper, groupId);
  for (const result of [
    null,
    {},
    { documents: 3 },
    { documents: -1, digest: ANSWER.digest },
    { ...ANSWER, digest: 'x' },
  ])
    assert.equal((await work(helper, groupId, { answer: { id, result } })).errorCode, 'LINK_MESSAGE_INVALID');
  await work(helper, groupId, { answer: { id, result: ANSWER } });
  assert.deepEqual(await asking, ANSWER);
});

test('a question that no one answers expires, and no more than a share of them is open', async () => {
  const expired: (() => void)[] = [];
  const sleep = async (_ms: number, signal?: AbortSignal) =>
    await new Promise<void>((resolve) => {
      expired.push(resolve);
      signal?.addEventListener('abort', () => resolve());
    });
  const clock = { ...systemClock, sleep };
  const relay = new DigestRelay();
  const never = new AbortController().signal;
  const offer = { projectId: OTHER_PROJECT, clusterName: 'C1' };
  const ask = (migrationId: string, orgId = 'a') =>
    relay.ask({ orgId, migrationId, offer, question: QUESTION }, { id: 'h', host: 'helper' }, clock, never);
  await relay.next('h', [offer], { waitMs: 0, clock, signal: never });
  const asked = Array.from({ length: MOST_OF_ORGANIZATION }, (_, n) => ask(`m${Math.floor(n / MOST_OF_MIGRATION)}`));
  const results = Promise.allSettled(asked);
  await assert.rejects(ask('m0', 'b'), /Too many questions/);
  await assert.rejects(ask('m9'), /Too many questions/);
  const others = ask('m9', 'b');
  for (const expire of expired) expire();
  await assert.rejects(others, /host helper did not answer: it is late, or gone/);
  for (const { status } of await results) assert.equal(status, 'rejected');
  assert.equal(await relay.next('h', [offer], { waitMs: 0, clock, signal: never }), undefined);
});

/** Links an agent of another organization. */
async function otherAgent(plane: ControlPlane, host: string): Promise<AgentClient> {
  const orgId = 'c'.repeat(24);
  await addOrganization(plane, orgId, ['ORG_OWNER']);
  const roles = ['ORG_OWNER'] as const;
  const actor: Actor = { kind: 'API_KEY', name: 'other', orgId, roles, groupRoles: [], remoteAddress: '127.0.0.1' };
  const token = await createLinkToken(plane.control, actor, orgId, { accessListIps: [], host: null, hosts: 1 });
  const agent = new AgentClient(plane.url);
  agent.agentId = String((await agent.redeem(token, host)).json.agentId);
  return agent;
}
