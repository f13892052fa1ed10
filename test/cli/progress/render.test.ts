import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonRenderer } from '../../../src/cli/progress/json.ts';
import { PlainRenderer } from '../../../src/cli/progress/plain.ts';
import { TtyRenderer } from '../../../src/cli/progress/tty.ts';
import { watchProgress } from '../../../src/cli/progress/watch.ts';
import { dateOf, type Progress } from '../../../src/contract/index.ts';
import { systemClock } from '../../../src/platform/index.ts';
import { comparing, copied, mismatch, snapshot, tailing, verified, viewed } from './snapshots.ts';

/** A sink that stores what is written. */
class Paper {
  readonly columns: number;
  text = '';

  constructor(columns = 120) {
    this.columns = columns;
  }

  write(text: string): void {
    this.text += text;
  }
}

const REDRAW = '\r\u001b[2K';

const series: readonly (readonly [number, Progress])[] = [
  [0, snapshot({ state: 'PREPARING', lagSeconds: null })],
  [1_000, copied(0)],
  [2_000, copied(250_000)],
  [5_000, { ...copied(1_000_000), etaSeconds: 12, rates: { ...snapshot().rates, bytesPerSecond: 250_000 } }],
  [9_000, tailing({ lagSeconds: 2 })],
  [12_000, snapshot({ state: 'COMMITTED', lagSeconds: null })],
];

function render(renderer: JsonRenderer | PlainRenderer | TtyRenderer): void {
  for (const [atMs, progress] of series.slice(0, -1)) renderer.show(viewed(progress, atMs));
  const [atMs, progress] = series.at(-1) ?? [0, snapshot()];
  renderer.finish(viewed(progress, atMs));
}

test('a terminal shows bar, rate, lag and ETA on one redrawn line, and keeps a line of each stage', () => {
  const paper = new Paper();
  render(new TtyRenderer(paper));
  const lines = paper.text.split('\n').map((line) => line.split(REDRAW).at(-1));
  assert.deepEqual(lines, [
    'preparing          0:00',
    'copying            0:04  [######------------------] 25 %  250 kB/s  lag 3 s  ETA 0:12  1.00 MB of 4.00 MB',
    'catching up        0:00  lag 2 s  5 changes  7 waiting',
    'complete           0:00  [########################] 100 %  1.00 MB in 1,000 documents copied  5 changes applied',
    '',
  ]);
});

test('a line never wraps on a narrow terminal, and shows the most important facts', () => {
  const paper = new Paper(76);
  render(new TtyRenderer(paper));
  const lines = paper.text.split('\n').flatMap((line) => line.split(REDRAW));
  for (const line of lines) assert.ok(line.length < 76, line);
  assert.ok(lines.includes('copying            0:04  [##--------] 25 %  250 kB/s  lag 3 s  ETA 0:12'));
});

test('a log gets a line at each change of stage and every few seconds, without control characters', () => {
  const paper = new Paper();
  render(new PlainRenderer(paper, 4_000));
  assert.deepEqual(paper.text.split('\n'), [
    'preparing',
    'copying: 0 %, lag 3 s, 0 B of 4.00 MB, 1,000 documents',
    'copying: 25 %, 250 kB/s, lag 3 s, ETA 0:12, 1.00 MB of 4.00 MB, 1,000 documents',
    'catching up: lag 2 s, 5 changes, 7 waiting',
    'complete: 100 %, 1.00 MB in 1,000 documents copied, 5 changes applied',
    '',
  ]);
});

test('a repair after lost history shows its progress', () => {
  const paper = new Paper();
  const repairs = { declared: 1, at: dateOf(0), reason: 'lost', collections: 4, collectionsDone: 1 };
  const progress = tailing({ repairs: { ...repairs, documentsCompared: 1_234, keysDiffered: 5 } });
  new PlainRenderer(paper).show(viewed(progress, 0));
  const facts = '1 of 4 collections compared after lost history, lag 3 s, 1,234 documents compared, 5 differed';
  assert.equal(paper.text, `repairing: 25 %, ${facts}\n`);
});

test('a verification shows its progress, and what differs comes first', () => {
  const paper = new Paper();
  const found = { found: 3, open: 1, latest: [mismatch] };
  const rates = { bytesPerSecond: 250_000, etaSeconds: 12, waiting: 4 };
  const renderer = new PlainRenderer(paper);
  renderer.show(viewed(tailing({ verification: comparing(rates) }), 0));
  renderer.show(viewed(tailing({ verification: comparing({ ...rates, mismatches: found }) }), 6_000));
  renderer.show(
    viewed(tailing({ verification: verified({ catalogDifferences: ['shop.orders: index missing a_1'] }) }), 12_000),
  );
  assert.deepEqual(paper.text.split('\n'), [
    'verifying: 25 %, lag 3 s, 250 kB/s, ETA 0:12, 500 of 2,000 documents compared, 4 to compare again',
    'differences found: 25 %, 1 document differs, verifying, lag 3 s, 250 kB/s, ETA 0:12, 500 of 2,000 documents compared, 3 differed, 4 to compare again',
    'catching up: catalogs differ: shop.orders: index missing a_1, lag 3 s, 5 changes, 7 waiting, 2,000 documents compared',
    '',
  ]);
});

test('a line says how much compression saves, and nothing where there is none', () => {
  const lineOf = (changes: Partial<Progress>) => {
    const paper = new Paper();
    new PlainRenderer(paper).show(viewed({ ...copied(250_000), ...changes }, 0));
    return paper.text;
  };
  const source = { compressor: 'zlib', wireBytes: 1_000, messageBytes: 1_400 } as const;
  const destination = { compressor: 'zstd', wireBytes: 1_000, messageBytes: 4_000 } as const;
  assert.match(lineOf({ compression: { source, destination } }), /, wire 2\.7 : 1, /);
  assert.match(lineOf({ compression: { destination } }), /, wire 4\.0 : 1, /);
  assert.doesNotMatch(lineOf({}), /wire/);
});

test('of a sharded source, a line names the shard whose oplog loses changes first, or those that are unknown', () => {
  const oplog = { windowSeconds: 9_000, leftSeconds: 3_600, headroomPercent: 90 };
  const shard = (name: string, whyUnknown: string | null = null) => ({
    shard: name,
    whyUnknown,
    oplog: whyUnknown === null ? oplog : null,
    rates: null,
    pingMs: null,
  });
  const lineOf = (changes: Partial<Progress>) => {
    const paper = new Paper();
    new PlainRenderer(paper).show(viewed(tailing({ verification: verified(), ...changes }), 0));
    return paper.text;
  };
  const seen = { oplog: { ...oplog, shard: 'rs1' }, shards: [shard('rs0'), shard('rs1')] };
  assert.match(lineOf(seen), /, oplog of shard rs1 lasts 1:00:00, /);
  const idle = { ...seen, oplog: { ...seen.oplog, leftSeconds: 500_000_000 } };
  assert.match(lineOf(idle), /, oplog of shard rs1 lasts 100 h or more, /);
  const unseen = ['rs1', 'rs2', 'rs3', 'rs4'].map((name) => shard(name, 'it does not answer'));
  assert.match(lineOf({ shards: [shard('rs0'), ...unseen] }), /, oplog unknown of shard rs1, rs2, rs3, …, /);
  assert.doesNotMatch(lineOf({ oplog }), /oplog/);
});

test('programs get one JSON object a line, with the rate, the ETA and the whole snapshot', () => {
  const paper = new Paper();
  render(new JsonRenderer(paper));
  const objects = paper.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(objects.length, series.length);
  const { type, time, stage, bytesPerSecond, etaSeconds, lagSeconds, copy } = objects[3];
  assert.deepEqual(
    { type, time, stage, bytesPerSecond, etaSeconds, lagSeconds, copied: copy.bytesCopied },
    {
      type: 'progress',
      time: '1970-01-01T00:00:05.000Z',
      stage: 'COPYING',
      bytesPerSecond: 250_000,
      etaSeconds: 12,
      lagSeconds: 3,
      copied: 1_000_000,
    },
  );
  assert.equal(objects.at(-1).state, 'COMMITTED');
});

test('the last state is shown even if it comes between two snapshots', async () => {
  const paper = new Paper();
  const ended = new AbortController();
  let current = copied(0);
  const clock = {
    ...systemClock,
    now: () => 0,
    elapsed: () => 0,
    sleep: async () => {
      current = snapshot({ state: 'COMMITTED' });
      ended.abort();
    },
  };
  await watchProgress(() => current, new PlainRenderer(paper), ended.signal, { clock });
  assert.match(paper.text, /^copying: .*\ncomplete: .*\n$/);
});

test('lines for a log do not repeat the previous line', () => {
  const paper = new Paper();
  const renderer = new PlainRenderer(paper);
  for (const atMs of [0, 6_000, 12_000]) renderer.show(viewed(tailing({ lagSeconds: 0 }), atMs));
  renderer.show(viewed(tailing({ lagSeconds: 3 }), 18_000));
  assert.deepEqual(paper.text.match(/lag \d s/g), ['lag 0 s', 'lag 3 s']);
});
