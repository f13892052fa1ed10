import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { expectHookReached } from '../support/linkspan-process.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { PushSetup } from './push-setup.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');
const DOCUMENTS = 12_000;
const ALL_BYTES = DOCUMENTS * 1_000;

async function startServers(): Promise<ReplicaSetPair> {
  const pair = await startPair({ destination: { auth: true, proxied: true } });
  const text = () => randomBytes(480).toString('hex');
  const items = Array.from({ length: DOCUMENTS }, (_, n) => ({ n, text: text() }));
  await pair.source.client.db('shop').collection('items').insertMany(items);
  return pair;
}

/** The connection string of a digest helper, past the proxy: it is beside the destination. */
async function beside(destination: ReplicaSet): Promise<string> {
  await destination.createUser('helper', 'secret', ['readAnyDatabase', 'clusterMonitor']);
  const [member] = destination.members;
  return `mongodb://helper:secret@127.0.0.1:${member?.port}/?directConnection=true`;
}

const crossed = ({ destination }: ReplicaSetPair) => destination.proxies.reduce((sum, { bytes }) => sum + bytes, 0);

// id: digest-helper-beside-destination
test('with a digest helper, documents cross to the destination once and not back', { skip }, async () => {
  await using pair = await startServers();
  await using setup = await PushSetup.create(pair);
  await setup.serve();
  await setup.register(pair);
  setup.agent();
  await setup.addDigestHelper('helper', await beside(pair.destination));
  const before = crossed(pair);
  await setup.start({ linkspan: { digestsBy: 'helper' } });
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  const bytes = crossed(pair) - before;
  assert.ok(bytes < ALL_BYTES * 1.25, `${bytes} of ${ALL_BYTES} bytes`);
  const { digests } = (await setup.show()).linkspan.progress.verification;
  assert.deepEqual([digests.host, digests.documents, digests.unanswered], ['helper', DOCUMENTS, null]);
  await setup.cutOver();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  await expectIdentical(pair);
});

// id: killed-digest-helper
test('a migration ends without its digest helper, which was killed', { skip }, async () => {
  await using pair = await startServers();
  await using setup = await PushSetup.create(pair);
  await setup.serve();
  await setup.register(pair);
  setup.agent();
  const uri = await beside(pair.destination);
  const helper = await setup.addDigestHelper('helper', uri, 'agent.digest.computed@2=kill');
  await setup.start({ linkspan: { digestsBy: 'helper' } });
  await expectHookReached(helper);
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  const { digests, documentsCompared } = (await setup.show()).linkspan.progress.verification;
  assert.equal(documentsCompared, DOCUMENTS);
  assert.match(digests.unanswered, /host helper did not answer: it is late, or gone/);
  assert.ok(digests.documents < DOCUMENTS);
  await setup.cutOver();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  await expectIdentical(pair);
});

test('a helper whose configuration names another project is refused by name', { skip }, async () => {
  await using pair = await startPair();
  await using setup = await PushSetup.create(pair);
  await setup.serve();
  await setup.register(pair);
  setup.agent();
  await setup.addDigestHelper('helper', pair.destination.uri, undefined, '9'.repeat(24));
  const refused = /No linked agent on host helper offers digests of cluster target of project/;
  const create = async () => {
    const refusal = await setup.tryToStart({ linkspan: { digestsBy: 'helper' } }).catch(String);
    return refused.test(String(refusal));
  };
  await eventually(create, { what: 'the refusal', pollMs: 250 });
});
