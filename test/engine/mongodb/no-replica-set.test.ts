import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectCluster } from '../../../src/engine/mongodb/connect.ts';
import { startStandalone } from '../../support/replica-set.ts';

test('a standalone server and a set that is not initiated are named, whatever set the connection string says', async () => {
  const reject = async (uri: string, set: string, expected: object) =>
    assert.rejects(connectCluster({ uri: `${uri}?serverSelectionTimeoutMS=2000${set}` }, 'source'), expected);
  {
    await using standalone = await startStandalone();
    const message = /^The source \(127\.0\.0\.1:\d+\) is a standalone server/;
    await reject(standalone.uri, '&replicaSet=rs', {
      code: 'STANDALONE_SERVER',
      message,
      remedy: /--replSet.*rs\.initiate\(\)/,
    });
  }
  await using uninitiated = await startStandalone({ mongodArgs: ['--replSet', 'rs'] });
  const message = /^The server 127\.0\.0\.1:\d+ of the source answers, but it has no configuration/;
  for (const set of ['', '&replicaSet=rs'])
    await reject(uninitiated.uri, set, { code: 'REPLICA_SET_NOT_INITIATED', message, remedy: /rs\.initiate\(\)/ });
});
