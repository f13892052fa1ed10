import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import type { MongoClient } from 'mongodb';
import { Fence } from '../../../src/engine/mongodb/fence.ts';
import { Retrier } from '../../../src/engine/mongodb/retry.ts';
import { AllCheckpoints } from '../../../src/engine/records/all-checkpoints.ts';
import { CheckpointStore } from '../../../src/engine/records/checkpoint-store.ts';
import type { Permission } from '../../../src/engine/records/destination-owner.ts';
import { Ownership } from '../../../src/engine/records/ownership.ts';
import { silentLogger, systemClock } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { emptyCluster } from '../../support/seeds.ts';
import { takeMigration } from '../taken-migration.ts';

const OWNS: Permission = { keeps: false, mayDrop: false };
const TAKEN_OVER = { code: 'TAKEN_OVER' };
const identity = { sourceId: 'source', destinationId: 'destination', selection: '' };

suite('the records with which an engine takes a migration and its destination', () => {
  const retrier = new Retrier(systemClock, silentLogger, AbortSignal.timeout(30_000));
  let set: ReplicaSet;
  let client: MongoClient;
  before(async () => {
    set = await startReplicaSet();
    ({ client } = set);
  });
  after(() => set[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });
  beforeEach(() => emptyCluster(client));

  const internal = (name: string) => client.db('linkspan_internal').collection<{ _id: string }>(name);
  const recordOf = async (id: string) =>
    (await internal('migrations').findOne({ _id: id })) as Record<string, unknown> | null;
  const owner = async () => (await internal('destination').findOne()) as { readonly migration?: string | null } | null;
  const newStore = (id: string) => new CheckpointStore(new Fence(client, id, systemClock));

  test('a migration begins although the answer to its first record was lost (a stand-in repeats the attempt)', async () => {
    class Repeating extends Retrier {
      override async run<T>(_what: string, operation: () => Promise<T>): Promise<T> {
        await operation();
        return await operation();
      }
    }
    const repeating = new Repeating(systemClock, silentLogger, AbortSignal.timeout(30_000));
    const record = await newStore('m').take(identity, repeating, false, () => OWNS);
    assert.equal(record.term, 1);
    assert.deepEqual((await recordOf('m'))?.sessions, record.sessions);
    assert.equal(await internal('migrations').countDocuments(), 1);
  });

  test('a new migration whose destination is in use is told which migration has it', async () => {
    await newStore('first').take(identity, retrier, false, () => OWNS);
    const refused = newStore('second').take(identity, retrier, false, () => OWNS);
    await assert.rejects(refused, { code: 'DESTINATION_IN_USE', message: /first/ });
    assert.equal(await recordOf('second'), null);
  });

  test('a new migration that is cancelled while it asks for its destination takes it from no other', async () => {
    await newStore('first').take(identity, retrier, false, () => OWNS);
    let asked = 0;
    const permitted = () => (asked++ === 0 ? { keeps: false, mayDrop: true } : undefined);
    await newStore('second').take(identity, retrier, false, permitted);
    assert.equal((await owner())?.migration, 'first');
    assert.equal((await recordOf('first'))?.retiredBy, undefined);
  });

  test('an engine that was taken over does not take the destination', async () => {
    const { checkpoint } = await takeMigration(client, 'm');
    await takeMigration(client, 'm');
    await assert.rejects(checkpoint.takeDestination(OWNS, retrier), TAKEN_OVER);
    assert.equal((await owner())?.migration, null);
  });

  test('the record of a direction that has not ended is replaced by no later direction', async () => {
    await takeMigration(client, 'm');
    const before = await recordOf('m');
    const taken = newStore('m').take({ ...identity, reversals: 2 }, retrier, true);
    await assert.rejects(taken, /before the last one is CREATED/);
    assert.deepEqual(await recordOf('m'), before);
  });

  test('records that the server does not remove are not taken for removed (a stand-in refuses the deletes)', async () => {
    const { fence, checkpoint } = await takeMigration(client, 'm');
    await client
      .db('linkspan_internal')
      .collection<{ _id: { m: string; n: number } }>('spool')
      .insertOne({ _id: { m: 'm', n: 1 } });
    const writeErrors = [{ index: 0, code: 13, errmsg: 'not authorized' }];
    Object.assign(fence, { write: async () => ({ n: 0, writeErrors }) });
    await assert.rejects(checkpoint.forgetSpool(), { code: 13, message: 'not authorized' });
  });

  test('a cleanup leaves a migration that an engine has taken since it was looked at', async () => {
    const { fence } = await takeMigration(client, 'm');
    const checkpoints = new AllCheckpoints(client, retrier);
    const [found] = await checkpoints.read('m');
    assert.ok(found);
    const { fence: successor } = await takeMigration(client, 'm');
    await assert.rejects(checkpoints.takeAway(found.migration), TAKEN_OVER);
    await successor.confirm();
    assert.equal((await recordOf('m'))?.state, 'CREATED');
    await assert.rejects(fence.confirm(), TAKEN_OVER);
  });

  test('a retired migration counts as shut out only once the server refuses its writes', async () => {
    const { fence } = await takeMigration(client, 'm');
    await internal('migrations').updateOne({ _id: 'm' }, { $set: { retiredBy: 'later' }, $inc: { term: 1 } });
    const ownership = new Ownership(client);
    const ended = new Retrier(systemClock, silentLogger, AbortSignal.abort(new Error('the run has ended')));
    await assert.rejects(ownership.shutOut('later', ended), /the run has ended/);
    assert.equal((await recordOf('m'))?.shutOut, undefined);
    await ownership.shutOut('later', retrier);
    assert.equal((await recordOf('m'))?.shutOut, true);
    await assert.rejects(fence.confirm(), TAKEN_OVER);
  });
});
