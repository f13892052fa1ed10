import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf, type Progress } from '../../src/contract/index.ts';
import { engineSamples, type MeasuredFailback, migrationSamples } from '../../src/metrics/index.ts';
import { MetricsRegistry } from '../../src/metrics/registry.ts';
import { progress } from '../atlas-api/migration-world.ts';
import { scraped } from './scraped.ts';

const ID = '1'.repeat(24);

async function scrape(changes: Partial<Progress>, registry = new MetricsRegistry()) {
  const { samples } = engineSamples([{ progress: progress(ID, changes) }]);
  return scraped((await registry.render(samples, 'prometheus')).text);
}

const series = (name: string, more = '') => `${name}{migration="${ID}"${more}}`;

test('a value that is unknown has no sample instead of 0', async () => {
  const unknown = await scrape({ state: 'FOLLOWING', lagSeconds: null, oplog: null, etaSeconds: null });
  for (const name of ['lag_seconds', 'oplog_headroom_seconds', 'oplog_headroom_ratio', 'eta_seconds']) {
    assert.equal(unknown.has(series(`linkspan_${name}`)), false, name);
  }
  const oplog = { windowSeconds: 7_200, leftSeconds: 3_600, headroomPercent: 50 };
  const known = await scrape({ state: 'FOLLOWING', lagSeconds: 0, oplog });
  assert.equal(known.get(series('linkspan_lag_seconds')), 0);
  assert.equal(known.get(series('linkspan_oplog_headroom_ratio')), 0.5);
});

test('each shard of a source has figures of its own, and one that does not answer only says so', async () => {
  const oplog = { windowSeconds: 7_200, leftSeconds: 3_600, headroomPercent: 50 };
  const rates = { writesPerSecond: 9, readsPerSecond: 0, oplogBytesPerSecond: 70 };
  const shards = [
    { shard: 'a', whyUnknown: null, oplog, rates, pingMs: 2 },
    { shard: 'b', whyUnknown: 'it does not answer', oplog: null, rates: null, pingMs: null },
  ];
  const values = await scrape({ state: 'FOLLOWING', shards });
  const of = (name: string, shard: string) => series(`linkspan_shard_${name}`, `,shard="${shard}"`);
  const shown = {
    seen: 1,
    oplog_headroom_seconds: 3_600,
    oplog_headroom_ratio: 0.5,
    writes_per_second: 9,
    reads_per_second: 0,
    oplog_bytes_per_second: 70,
    ping_seconds: 0.002,
  };
  for (const [name, value] of Object.entries(shown)) {
    assert.equal(values.get(of(name, 'a')), value, name);
    assert.equal(values.get(of(name, 'b')), name === 'seen' ? 0 : undefined, name);
  }
});

test('the compression of each side is a ratio, and absent where messages are not compressed', async () => {
  const name = (side: string) => series('linkspan_compression_ratio', `,side="${side}"`);
  const destination = { compressor: 'zstd', wireBytes: 2_000, messageBytes: 5_400 } as const;
  const values = await scrape({ state: 'COPYING', compression: { destination } });
  assert.equal(values.get(name('destination')), 2.7);
  assert.equal(values.has(name('source')), false);
});

test('before an engine has loaded its records, a migration shows its state and no figures', async () => {
  const values = await scrape({ state: 'CREATED' });
  assert.equal(values.get(series('linkspan_migration_state', ',state="CREATED"')), 1);
  assert.equal(values.get(series('linkspan_migration_state', ',state="FAILED"')), 0);
  assert.equal(values.has(series('linkspan_copied_bytes')), false);
  assert.equal(values.has(series('linkspan_events_applied_total')), false);
});

test('a counter never decreases when the copy of a collection begins anew or counts go back', async () => {
  const registry = new MetricsRegistry();
  const applied = series('linkspan_events_applied_total');
  const at = async (count: number) =>
    (await scrape({ changes: { read: count, applied: count, duringCopy: 0, queued: 0 } }, registry)).get(applied);
  assert.deepEqual([await at(100), await at(150), await at(20), await at(30)], [100, 150, 150, 160]);
});

test('the counters of a resumed migration begin at 0, and begin anew after the migration was gone', async () => {
  const registry = new MetricsRegistry();
  const resumedFrom = { state: 'FOLLOWING', savedAt: dateOf(1), documentsCopied: 1, bytesCopied: 1 } as const;
  const read = series('linkspan_events_read_total');
  const at = async (count: number) =>
    (await scrape({ resumedFrom, changes: { read: count, applied: 0, duringCopy: 0, queued: 0 } }, registry)).get(read);
  assert.deepEqual([await at(1_000), await at(1_005)], [0, 5]);
  const gone = scraped((await registry.render([], 'prometheus')).text);
  assert.equal(gone.has(read), false);
  assert.deepEqual([await at(1_010), await at(1_011)], [0, 1]);
});

test('the source counts as blocked until the destination takes writes', async () => {
  const blocked = series('linkspan_source_blocked');
  const cutover = { requestedAt: dateOf(1), blocking: true, sourceBlockedAt: dateOf(2) };
  assert.equal((await scrape({ state: 'COMMITTING', cutover })).get(blocked), 1);
  assert.equal((await scrape({ state: 'COMMITTED', cutover: { ...cutover, canWriteAt: dateOf(3) } })).get(blocked), 0);
  assert.equal((await scrape({ state: 'FOLLOWING', cutover: { ...cutover, blocking: false } })).get(blocked), 0);
});

test('an agent can make no labels: unknown phases and steps of a cutover are left out', async () => {
  const reported = progress(ID, {
    state: 'COMMITTED',
    phases: [{ name: 'password=secret', startedAt: dateOf(1) }],
    cutoverAttempts: [
      {
        number: 1,
        startedAt: dateOf(1),
        result: 'COMMITTED',
        steps: [
          { name: 'drain', startedAt: dateOf(1), durationMs: 250, reason: '' },
          { name: 'toString', startedAt: dateOf(1), durationMs: 1, reason: '' },
          { name: 'mongodb://user:secret@host', startedAt: dateOf(1), durationMs: 1, reason: '' },
        ],
      },
    ],
  } as unknown as Partial<Progress>);
  const samples = migrationSamples([{ id: ID, progress: reported, beganHere: false }]);
  const { text } = await new MetricsRegistry().render(samples, 'prometheus');
  assert.ok(!text.includes('secret') && !text.includes('toString'), text);
  assert.equal(scraped(text).get(series('linkspan_cutover_step_seconds', ',step="drain"')), 0.25);
});

test('the shares of time are a series for each use, and absent while not measured', async () => {
  const timeShares = {
    seconds: 60,
    sourceRead: 0.5,
    engine: 0.25,
    destinationWrite: 0.125,
    throttled: 0.0625,
    memory: 0,
    idle: 0.0625,
  };
  const values = await scrape({ state: 'COPYING', timeShares });
  const shares = [...values].filter(([name]) => name.startsWith('linkspan_time_share_ratio'));
  assert.equal(shares.length, 6);
  assert.equal(values.get(series('linkspan_time_share_ratio', ',use="source_read"')), 0.5);
  assert.equal(values.get(series('linkspan_time_share_ratio', ',use="memory"')), 0);
  assert.equal(
    shares.reduce((sum, [, value]) => sum + value, 0),
    1,
  );
  const { timeShares: _, ...unmeasured } = progress(ID, { state: 'COPYING' });
  const { text } = await new MetricsRegistry().render(
    engineSamples([{ progress: unmeasured as Progress }]).samples,
    'prometheus',
  );
  assert.ok(!text.includes('linkspan_time_share_ratio'), text);
});

test('a failback shows its state, and its figures only while it follows', async () => {
  const at = async (failback: MeasuredFailback | undefined) => {
    const { samples } = engineSamples([{ progress: progress(ID, { state: 'COMMITTED' }), failback }]);
    const values = scraped((await new MetricsRegistry().render(samples, 'prometheus')).text);
    const state = (one: string) => values.get(series('linkspan_failback_state', `,state="${one}"`));
    const figures = ['ready', 'lag_seconds', 'oplog_headroom_seconds'].map((name) =>
      values.get(series(`linkspan_failback_${name}`)),
    );
    return [state('FOLLOWING'), state('FAILED'), ...figures];
  };
  const none = [undefined, undefined, undefined];
  assert.deepEqual(await at(undefined), [undefined, undefined, ...none]);
  const following = { state: 'FOLLOWING', ready: true, lagSeconds: 2, oplogLeftSeconds: 3_600 } as const;
  assert.deepEqual(await at(following), [1, 0, 1, 2, 3_600]);
  const unknown = { state: 'FOLLOWING', ready: false, lagSeconds: null, oplogLeftSeconds: null } as const;
  assert.deepEqual(await at(unknown), [1, 0, 0, undefined, undefined]);
  assert.deepEqual(await at({ state: 'FOLLOWING', ready: true, lagSeconds: 2 }), [1, 0, 1, 2, undefined]);
  assert.deepEqual(await at({ state: 'FAILED' }), [0, 1, ...none]);
});

test('a scrape has at most 500 migrations, and says when it leaves some out', () => {
  const many = Array.from({ length: 501 }, (_, index) => ({ progress: progress(String(index)) }));
  const { samples, isComplete } = engineSamples(many);
  const ids = new Set(samples.map(({ labels }) => 'migration' in labels && labels.migration));
  assert.deepEqual([ids.size, isComplete], [500, false]);
  assert.equal(engineSamples(many.slice(1)).isComplete, true);
});
