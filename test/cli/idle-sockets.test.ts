import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AtlasClient } from '../support/atlas-client.ts';
import { eventually } from '../support/eventually.ts';
import { affordableSockets, openIdleSockets } from '../support/idle-sockets.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ORG_ID = 'ab'.repeat(12);
const WANTED = 10_000;
const SERVE = ['serve', '--listen', '127.0.0.1:0', '--max-connections', 'off', '--max-connections-per-address', 'off'];
/** 10 s for the head of a request, and some time until the server checks for late ones. */
const CLOSED_WITHIN_MS = 55_000;

test('with 10,000 silent or slow sockets the server answers all others, and closes the silent ones', async (context) => {
  const count = affordableSockets(WANTED);
  if (count < WANTED) context.diagnostic(`the limit of open files allows ${count} sockets only`);
  using folder = temporaryFolder('idle-sockets');
  const env = {
    LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
    LINKSPAN_BOOTSTRAP_PUBLIC_KEY: 'testerkey',
    LINKSPAN_BOOTSTRAP_PRIVATE_KEY: 'a-private-key-of-the-test',
  };
  await using server = runLinkspan([...SERVE, '--data-dir', folder.path], { env });
  const [, url = ''] = await server.waitForLine(/ready at (\S+), /);
  const client = new AtlasClient(url, env.LINKSPAN_BOOTSTRAP_PUBLIC_KEY, env.LINKSPAN_BOOTSTRAP_PRIVATE_KEY);
  using sockets = await openIdleSockets(Number(new URL(url).port), count);
  // On a slow machine the first sockets time out before all are open.
  assert.ok(sockets.open > count / 2, `${sockets.open} are open`);
  for (let round = 0; round < 20; round += 1) {
    sockets.drip();
    const path = `/orgs/${ORG_ID}/liveMigrations/linkTokens`;
    const { status } = await client.send('POST', path, { accessListIps: [] });
    assert.equal(status, 201);
  }
  let looks = 0;
  const closed = () => {
    // Pauses between batches, because opening thousands of sockets takes time.
    if (looks++ % 200 === 0) sockets.drip();
    return sockets.open === 0;
  };
  await eventually(closed, { what: 'the server to disconnect all of them', deadlineMs: CLOSED_WITHIN_MS });
  assert.equal((await client.send('GET', `/orgs/${ORG_ID}`)).status, 200);
});
