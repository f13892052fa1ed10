import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentConfiguration } from '../../src/agent/configuration.ts';
import { Standbys } from '../../src/agent/standbys.ts';
import { stakeClaim } from '../../src/engine/cutover/source-claim.ts';
import { blockShown, MOST_BLOCK_LIMIT_MS, tryToBlockWrites } from '../../src/engine/mongodb/write-block.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';
import { StandingClock } from '../engine/standing-clock.ts';
import { eventually } from '../support/eventually.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { SOURCE_PROJECT } from './control-plane.ts';

const ID = 'a'.repeat(24);

/** The fields of a migration's record that tell about its leader. */
interface LeaderRecord {
  readonly _id: string;
  readonly state: string;
  readonly engine: object;
  readonly savedAt: Date;
}

const recordsOf = (set: ReplicaSetPair['source']) =>
  set.client.db('linkspan_internal').collection<LeaderRecord>('migrations');

/** An agent that stands by for a migration with an engine of another host on record. The test sets its clock, and lets it look. */
class StandingBy implements AsyncDisposable {
  readonly #standbys: Standbys;
  readonly #pair: ReplicaSetPair;
  /** For the looks, and a watchdog beside each cluster. */
  readonly #clock = new StandingClock(3);

  constructor(pair: ReplicaSetPair) {
    const configuration: AgentConfiguration = {
      host: 'spare',
      dataDir: '',
      plainHttp: 'loopback',
      allowedDestinations: ['127.0.0.0/8'],
      projects: [{ id: SOURCE_PROJECT, name: 'shop', deployments: [{ name: 'orders', uri: pair.source.uri }] }],
    };
    this.#pair = pair;
    this.#standbys = new Standbys({
      configuration,
      logger: silentLogger,
      clock: this.#clock,
      changed: () => undefined,
    });
  }

  /** Begins to stand by. @param uri  that of the destination */
  begin(uri = `${this.#pair.destination.uri}&serverSelectionTimeoutMS=500`): void {
    const source = { projectId: SOURCE_PROJECT, clusterName: 'orders', ssl: false };
    this.#standbys.setWanted([{ id: ID, source, destination: { uri } }]);
  }

  /** Returns how the next look finds the record, `laterMs` after the last one. */
  async look(laterMs: number): Promise<string | undefined> {
    await this.#clock.pass(laterMs);
    return this.#standbys.reports()[0]?.record;
  }

  /** The report of its part for the control plane. */
  reports(): ReturnType<Standbys['reports']> {
    return this.#standbys.reports();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#standbys.stopAll();
  }
}

/** Records an engine of another host on one side, which wrote a time ago. */
async function record(set: ReplicaSetPair['source'], writtenMsAgo: number): Promise<void> {
  const engine = { host: 'mover', pid: 1, place: 'another host', startedAtMs: 0 };
  const savedAt = new Date(Date.now() - writtenMsAgo);
  await recordsOf(set).replaceOne({ _id: ID }, { state: 'FOLLOWING', engine, savedAt }, { upsert: true });
}

test('a standby reports silence once the record of its leader is 20 s old and unchanged for 10 s, on either cluster', async () => {
  await using pair = await startPair();
  await record(pair.destination, 0);
  await using standing = new StandingBy(pair);
  standing.begin();
  assert.equal(await standing.look(0), 'WRITTEN');
  assert.equal(await standing.look(60_000), 'WRITTEN', 'it is younger than 20 s');
  await record(pair.destination, 30_000);
  assert.equal(await standing.look(0), 'WRITTEN');
  assert.equal(await standing.look(9_999), 'WRITTEN');
  assert.equal(await standing.look(1), 'SILENT');
  // After a reversal, the leader writes on the source.
  await record(pair.source, 0);
  assert.equal(await standing.look(10_000), 'WRITTEN');
  await recordsOf(pair.source).updateOne({ _id: ID }, { $set: { state: 'FAILED', savedAt: new Date(0) } });
  await standing.look(0);
  assert.equal(await standing.look(60_000), 'WRITTEN', 'its operator has to remove the cause of a failure');
});

test('a standby reports a cluster that it cannot read, and begins to count again when it can', async () => {
  await using pair = await startPair();
  await record(pair.destination, 30_000);
  await using standing = new StandingBy(pair);
  standing.begin();
  assert.equal(await standing.look(0), 'WRITTEN');
  assert.equal(await standing.look(9_000), 'WRITTEN');
  const [member] = pair.source.members;
  await member?.kill();
  assert.equal(await standing.look(9_000), 'UNREAD');
  await member?.restart();
  await eventually(async () => (await standing.look(0)) === 'WRITTEN', { what: 'a look at both clusters' });
  assert.equal(await standing.look(9_000), 'WRITTEN');
  assert.equal(await standing.look(1_000), 'SILENT');
});

test('a standby reports why it cannot use a connection string', async () => {
  await using pair = await startPair();
  await using standing = new StandingBy(pair);
  standing.begin(`${pair.destination.uri}&w=1`);
  await eventually(() => standing.reports().length > 0, { what: 'a report' });
  const [{ record, reason } = { record: undefined, reason: undefined }] = standing.reports();
  assert.equal(record, 'UNREAD');
  assert.match(reason ?? '', /\bw\b/);
});

// id: source-opened-by-standby
test('a standby opens a source that a cutover has blocked, once it could not read the destination for 20 s', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair();
  const { source, destination } = pair;
  await record(destination, 0);
  await using standing = new StandingBy(pair);
  standing.begin();
  assert.equal(await standing.look(0), 'WRITTEN');
  await stakeClaim(source.client, { id: newId(), migrationId: ID, term: 1 });
  assert.ok(await tryToBlockWrites(source.client, MOST_BLOCK_LIMIT_MS));
  assert.equal(await standing.look(15_000), 'WRITTEN');
  await destination.members[0]?.kill();
  for (const passedMs of [10_000, 9_000]) assert.equal(await standing.look(passedMs), 'UNREAD');
  assert.equal(await blockShown(source.client), 'set');
  await standing.look(1_000);
  assert.equal(await blockShown(source.client), 'none');
});
