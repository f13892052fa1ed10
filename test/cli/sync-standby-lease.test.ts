import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startLedgerWriter } from '../support/ledger-writer.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { openSync } from '../support/sync-process.ts';
import {
  commit,
  fill,
  startBoth,
  TAKEN_OVER_WITHIN_MS,
  untilLeading,
  untilReady,
  urisOf,
} from './leader-and-standby.ts';

const skip = needsSource('6.0', 'it has no write block');

const termOf = async ({ destination }: ReplicaSetPair) =>
  (await destination.client.db('linkspan_internal').collection('migrations').findOne())?.term;

const ledgerOf = ({ source }: ReplicaSetPair) =>
  startLedgerWriter({ clients: [source.client], namespaces: ['shop.ledger'], seed: 9, ratePerSecond: 20 });

test('step-downs of the destination for 4, 15 and 40 s do not cost the leader its migration', { skip }, async () => {
  await using pair = await startPair();
  await fill(pair);
  await using writer = await ledgerOf(pair);
  await using both = await startBoth(urisOf(pair));
  const { leader, standby } = both;
  await untilReady(leader);
  const term = await termOf(pair);
  for (const seconds of [4, 15, 40]) {
    const { client } = pair.destination;
    const stepDown = { replSetStepDown: seconds, secondaryCatchUpPeriodSecs: 0, force: true };
    await client
      .db('admin')
      .command(stepDown)
      .catch(() => undefined);
    await eventually(
      () =>
        client
          .db('shop')
          .collection('probe')
          .insertOne({})
          .then(
            () => true,
            () => false,
          ),
      {
        what: 'a primary',
        deadlineMs: 90_000,
      },
    );
    await client.db('shop').collection('probe').drop();
    await untilReady(leader);
  }
  assert.equal(await termOf(pair), term, 'no other engine has taken it');
  assert.doesNotMatch(standby.linkspan.stderr, /standby\.takes_over/);
  await writer.stop();
  await commit(leader, pair);
});

test('of two standbys, one takes over, and the other one stands by for it', { skip }, async () => {
  await using pair = await startPair();
  await fill(pair);
  await using both = await startBoth(urisOf(pair));
  const { leader, standby } = both;
  await using third = await openSync(urisOf(pair), ['--standby']);
  await untilReady(leader);
  await eventually(async () => (await third.progress()).linkspan?.standby?.pid, { what: 'the second standby' });
  const term = await termOf(pair);
  leader.linkspan.kill('SIGKILL');
  const standbys = [standby, third];
  const isLed = async () => {
    const shown = await Promise.all(standbys.map(({ progress }) => progress()));
    const leads = shown.map(({ state }) => state !== 'IDLE');
    const waits = shown.map(({ linkspan }) => linkspan?.standby?.pid !== undefined);
    const isTaken = (await termOf(pair)) > term;
    return isTaken && leads.includes(true) && waits.includes(true) && standbys[leads.indexOf(true)];
  };
  const successor = await eventually(isLed, { what: 'one leader and one standby', deadlineMs: TAKEN_OVER_WITHIN_MS });
  assert.ok(successor);
  await commit(successor, pair);
  assert.equal(await termOf(pair), term + 1, 'one engine has taken it');
});

test('a leader whose record cannot be written, while its writes go through, gives way and loses no write', {
  skip,
}, async () => {
  await using pair = await startPair();
  await fill(pair);
  await using writer = await ledgerOf(pair);
  await using both = await startBoth(urisOf(pair));
  const { leader, standby } = both;
  await untilReady(leader);
  const admin = pair.destination.client.db('admin');
  const fail = { failCommands: ['update'], namespace: 'linkspan_internal.migrations', errorCode: 11_602 };
  await admin.command({ configureFailPoint: 'failCommand', mode: 'alwaysOn', data: fail });
  await untilLeading(standby);
  await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
  await eventually(async () => (await leader.progress()).linkspan?.standby !== undefined, {
    what: 'the former leader to stand by',
    deadlineMs: TAKEN_OVER_WITHIN_MS,
  });
  await writer.stop();
  await commit(standby, pair);
});
