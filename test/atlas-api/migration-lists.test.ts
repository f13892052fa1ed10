import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectionProgress, ListedMismatch } from '../../src/contract/index.ts';
import { startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { listedMismatch } from './listed-mismatch.ts';
import { progress } from './migration-world.ts';
import { start } from './started-migration.ts';

const SERIES = ['a'.repeat(24), 'b'.repeat(24)] as const;

const collection = (number: number, changes: Partial<CollectionProgress> = {}): CollectionProgress => ({
  id: number.toString(16),
  namespace: `shop.c${number}`,
  state: 'COPYING',
  reason: null,
  documentsCopied: 1,
  documentsTotal: 2,
  bytesCopied: 3,
  bytesTotal: number,
  readOrder: { order: 'NATURAL', reason: 'its _ids are random' },
  documentsPerSecond: 5,
  bytesPerSecond: 6,
  ...changes,
});

interface Part<Item> {
  readonly part: number;
  readonly changed: readonly Item[];
  readonly series?: string;
  readonly removed?: readonly string[];
  readonly total?: number;
}

async function lists() {
  const clock = new FakeClock();
  const plane = await startControlPlane({ clock });
  const { agent, id, path, ask } = await start(plane);
  const whole = <Item>({ series = SERIES[0], removed = [], total = 9, ...part }: Part<Item>) => ({
    series,
    removed,
    total,
    ...part,
  });
  return {
    plane,
    clock,
    ask,
    /** Reports parts. Returns the migrations of which the lists have to be sent anew. */
    report: async (
      parts: { readonly collections?: Part<CollectionProgress>; readonly mismatches?: Part<ListedMismatch> },
      changes: Parameters<typeof progress>[1] = {},
    ) => {
      const named = Object.entries(parts).map(([name, part]) => [name, whole<unknown>(part)]);
      const entry = { id, progress: progress(id, changes), lists: Object.fromEntries(named) };
      const { json } = await agent.report({ migrations: [entry] });
      return (json.resendLists as string[]).length;
    },
    read: async (list: string, query = '') => {
      const answer = await plane.api('GET', `${path}/${id}/${list}${query}`);
      assert.equal(answer.status, 200, answer.text);
      return answer.json as unknown as {
        results: Record<string, unknown>[];
        links: { href: string; rel: string }[];
        totalCount: number;
        reportedAt: string | null;
        isCurrent: boolean;
        itemsReported: number;
        itemsTotal: number;
      };
    },
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

test('the collections of a migration are listed largest first, by page and by namespace', async () => {
  await using world = await lists();
  const before = await world.read('collections');
  assert.deepEqual([before.results, before.reportedAt, before.itemsTotal], [[], null, 0]);

  const changed = [2, 9, 4].map((number) => collection(number));
  await world.report({ collections: { part: 0, changed, total: 3 } });
  const all = await world.read('collections');
  assert.deepEqual(
    all.results.map(({ namespace }) => namespace),
    ['shop.c9', 'shop.c4', 'shop.c2'],
  );
  const { id: _, ...shown } = collection(9);
  assert.deepEqual(all.results[0], shown);
  assert.deepEqual([all.totalCount, all.itemsReported, all.itemsTotal, all.isCurrent], [3, 3, 3, true]);
  const second = await world.read('collections', '?itemsPerPage=1&pageNum=2');
  assert.deepEqual([second.results.length, second.results[0]?.namespace], [1, 'shop.c4']);
  const filtered = await world.read('collections', '?namespace=C4&itemsPerPage=1');
  assert.deepEqual([filtered.totalCount, filtered.results[0]?.namespace], [1, 'shop.c4']);
  assert.ok(filtered.links[0]?.href.includes('&namespace=C4'), 'links repeat the filter');
});

test('parts change, remove and add collections, also when a part arrives twice', async () => {
  await using world = await lists();
  await world.report({ collections: { part: 0, changed: [collection(1), collection(2)] } });
  const next = { part: 1, changed: [collection(2, { state: 'DONE' }), collection(3)], removed: ['1'] };
  assert.equal(await world.report({ collections: next }), 0);
  assert.equal(await world.report({ collections: next }), 0);
  const { results, itemsReported } = await world.read('collections');
  assert.deepEqual(
    results.map(({ namespace, state }) => [namespace, state]),
    [
      ['shop.c3', 'COPYING'],
      ['shop.c2', 'DONE'],
    ],
  );
  assert.equal(itemsReported, 2);
});

test('an agent that restarts begins its lists anew, and one that the control plane misses a part of is told to', async () => {
  await using world = await lists();
  await world.report({ collections: { part: 0, changed: [collection(1), collection(2)] } });
  assert.equal(await world.report({ collections: { part: 2, changed: [collection(3)] } }), 1, 'a part is missing');
  assert.equal(await world.report({ collections: { part: 1, changed: [], series: SERIES[1] } }), 1, 'another series');
  assert.equal((await world.read('collections')).itemsReported, 2, 'neither has changed anything');
  await world.report({ collections: { part: 0, changed: [collection(4)], series: SERIES[1], total: 5 } });
  const { results, itemsReported, itemsTotal } = await world.read('collections');
  assert.deepEqual([results.map(({ namespace }) => namespace), itemsReported, itemsTotal], [['shop.c4'], 1, 5]);
});

test('the figures of a silent agent are shown as they were, without rates', async () => {
  await using world = await lists();
  await world.report({ collections: { part: 0, changed: [collection(1)] } });
  const { reportedAt } = await world.read('collections');
  world.clock.nowMs += 30_000;
  const later = await world.read('collections');
  assert.deepEqual([later.isCurrent, later.reportedAt], [false, reportedAt]);
  assert.deepEqual([later.results[0]?.bytesPerSecond, later.results[0]?.bytesCopied], [null, 3]);
  world.clock.nowMs += 60_000;
  await world.report({}, { since: null });
  assert.equal((await world.read('collections')).reportedAt, reportedAt, 'an engine that waits knows no list');
  await world.report({});
  assert.notEqual((await world.read('collections')).reportedAt, reportedAt, 'one that follows would report a change');
});

test('a list is forgotten 30 days after its last report, and begins anew', async () => {
  await using world = await lists();
  await world.report({ collections: { part: 0, changed: [collection(1)] } });
  world.clock.nowMs += 31 * 86_400_000;
  assert.equal(await world.report({ collections: { part: 1, changed: [collection(2)] } }), 1);
  assert.deepEqual((await world.read('collections')).results, []);
});

test('all documents that differed can be read page after page, oldest first', async () => {
  await using world = await lists();
  for (let part = 0; part < 3; part += 1) {
    const changed = Array.from({ length: 400 }, (_, number) => listedMismatch(part * 400 + number));
    await world.report({ mismatches: { part, changed, total: 1_200 } });
  }
  const keys: unknown[] = [];
  for (let page = 1; page <= 3; page += 1) {
    const { results, totalCount } = await world.read('mismatches', `?itemsPerPage=500&pageNum=${page}`);
    assert.equal(totalCount, 1_200);
    keys.push(...results.map(({ key }) => key));
  }
  assert.deepEqual(
    keys,
    Array.from({ length: 1_200 }, (_, number) => String(number)),
  );
});

test('a list that is in another form, or too long, does not hold up the report', async () => {
  await using world = await lists();
  await world.report({ collections: { part: 0, changed: [{ ...collection(1), state: 'LOST' as never }] } });
  assert.equal((await world.read('collections')).reportedAt, null);
  await world.report({ collections: { part: 0, changed: [collection(1)], total: 100_001 } });
  const { results, itemsReported, itemsTotal } = await world.read('collections');
  assert.deepEqual([results, itemsReported, itemsTotal], [[], 0, 100_001]);
});
