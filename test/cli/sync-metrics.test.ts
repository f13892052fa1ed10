import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scraped } from '../metrics/scraped.ts';
import { eventually } from '../support/eventually.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { type SyncProcess, startSync } from '../support/sync-process.ts';

/** The throttle lets the first batch through and then waits until its bytes are paid for: 20 s. */
const HOLD_COPY = ['--max-megabytes-per-second', '0.001'];

// biome-ignore lint/suspicious/noExplicitAny: JSON, of which each phase reads something else
type Shown = any;

/** Scrapes between two reads of /progress that agree, so that the three are of the same moment. */
async function atOneMoment(sync: SyncProcess, url: string, isRight: (progress: Shown) => boolean) {
  return await eventually(
    async () => {
      const before = await sync.progress();
      const text = await (await fetch(`${url}/metrics`)).text();
      const after = await sync.progress();
      const key = ({ linkspan, canCommit, collectionCopy, verification, lagTimeSeconds }: Shown) => {
        const hasLag = lagTimeSeconds !== null;
        const { state, copy, changes } = linkspan ?? {};
        return JSON.stringify([state, copy, changes, canCommit, collectionCopy, verification, hasLag]);
      };
      if (key(before) !== key(after) || !isRight(after)) return undefined;
      return { progress: after, text, values: scraped(text) };
    },
    { what: 'a scrape that is of the same moment as /progress' },
  );
}

function series(progress: Shown, name: string, more = ''): string {
  return `linkspan_${name}{migration="${progress.mongosyncID}"${more}}`;
}

function expectAgreement({ progress, values }: { progress: Shown; values: ReadonlyMap<string, number> }): void {
  const { linkspan } = progress;
  const of = (name: string, more?: string) => values.get(series(progress, name, more));
  assert.equal(of('migration_state', `,state="${linkspan.state}"`), 1);
  assert.equal(of('copied_documents'), linkspan.copy.documentsCopied);
  assert.equal(of('copy_expected_documents'), linkspan.copy.documentsTotal);
  assert.equal(of('events_read_total'), linkspan.changes.read);
  assert.equal(of('events_applied_total'), linkspan.changes.applied);
  assert.equal(of('queue_keys'), linkspan.changes.queued);
  assert.equal(of('ready_for_cutover'), Number(progress.canCommit));
  assert.equal(of('verified_documents'), linkspan.verification.documentsCompared);
  assert.equal(of('verification_mismatches', ',state="open"'), linkspan.verification.mismatches.open);
  assert.equal(of('lag_seconds') === undefined, progress.lagTimeSeconds === null || progress.state === 'COMMITTED');
}

test('the metrics of linkspan sync agree with /progress while it copies, while it follows, and after the commit', async () => {
  await using pair = await startPair();
  const orders = pair.source.client.db('canary-database').collection('canary-collection');
  await orders.insertMany(numbered(3_000, { text: 'x'.repeat(200) }));
  const uris = { source: pair.source.uri, destination: pair.destination.uri };
  await using sync = await startSync(uris, [...HOLD_COPY, '--metrics-listen', '127.0.0.1:0']);
  const [, url = ''] = await sync.linkspan.waitForLine(/metrics are served at (http:\/\/\S+)\/metrics$/);

  const copying = await atOneMoment(sync, url, ({ linkspan }) => linkspan?.state === 'COPYING');
  expectAgreement(copying);
  assert.equal(copying.values.get(series(copying.progress, 'events_applied_total')), 0);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);

  await sync.call('load', { maxMegabytesPerSecond: null });
  await eventually(async () => (await sync.progress()).canCommit === true, { what: 'readiness' });
  await orders.insertMany(Array.from({ length: 50 }, (_, index) => ({ late: index })));
  const following = await atOneMoment(
    sync,
    url,
    ({ linkspan, canCommit }) => canCommit === true && linkspan.changes.applied >= 50,
  );
  expectAgreement(following);
  assert.ok(following.values.has(series(following.progress, 'oplog_headroom_seconds')));
  assert.equal(following.values.get(series(following.progress, 'source_blocked')), 0);

  assert.equal((await sync.call('commit')).success, true);
  const committed = await atOneMoment(sync, url, ({ linkspan }) => linkspan?.state === 'COMMITTED');
  expectAgreement(committed);
  const of = (name: string, more?: string) => committed.values.get(series(committed.progress, name, more));
  assert.ok((of('write_pause_seconds') ?? 0) > 0, committed.text);
  assert.ok((of('cutover_step_seconds', ',step="drain"') ?? -1) >= 0, committed.text);
  assert.equal(of('lag_seconds'), undefined);
  assert.equal(of('source_blocked'), 0);
  for (const { text } of [copying, following, committed]) assert.doesNotMatch(text, /canary|mongodb:\/\//);
});
