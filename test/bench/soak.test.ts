import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import { countOf, documentsOf, KINDS, Text } from '../../bench/soak/data.ts';
import { checkDisk } from '../../bench/soak/disk.ts';
import { placeOf, plannedFaults } from '../../bench/soak/faults.ts';
import { plotOf } from '../../bench/soak/plot.ts';
import type { Figures, Sample } from '../../bench/soak/recorder.ts';
import { checkLimits, exponentOf, summarize, tableOf } from '../../bench/soak/report.ts';
import { SoakFolder } from '../../bench/soak/state.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

checkForLeaks();

/** Returns a sample of a migration `second` seconds after its first one. */
function sampleAt(second: number, figures: Figures, phase = 'migrate'): Sample {
  return { time: new Date(1e12 + second * 1_000).toISOString(), phase, gigabytes: 4, ...figures };
}

test('a seed makes the same documents, wherever the load is resumed', () => {
  const text = new Text(7);
  for (const kind of KINDS) {
    const documents = documentsOf(kind, 1_000, 20, 7, text);
    assert.deepEqual(documentsOf(kind, 1_000, 20, 7, new Text(7)), documents);
    const next = documentsOf(kind, 1_020, 20, 7, text);
    const ids = [...documents, ...next].map((document) => BSON.EJSON.stringify(BSON.deserialize(document)._id));
    assert.equal(new Set(ids).size, 40, kind.name);
  }
});

test('all kinds of documents together have the wanted size', () => {
  const text = new Text(7);
  const bytes = KINDS.map((kind) => {
    const documents = documentsOf(kind, 0, 200, 7, text);
    return (countOf(kind, 1) * documents.reduce((sum, { length }) => sum + length, 0)) / documents.length;
  });
  const gigabytes = bytes.reduce((sum, each) => sum + each, 0) / 1e9;
  assert.ok(Math.abs(gigabytes - 1) < 0.05, `${gigabytes} GB`);
});

test('a soak that is larger than the disk is refused with what it needs', () => {
  using folder = temporaryFolder('soak');
  checkDisk(folder.path, 0.000_001);
  assert.throws(() => checkDisk(folder.path, 1e9), /needs 3500000002\.\d GB of disk.* has [\d.]+ GB.*--dir/);
});

test('a soak resumes with the same seed, and refuses the folder of another one', () => {
  using folder = temporaryFolder('soak');
  const first = new SoakFolder(folder.path, 1, undefined, 5);
  first.state.loaded.events = 700;
  first.save();
  assert.deepEqual(new SoakFolder(folder.path, 1, undefined, 6).state, first.state);
  assert.throws(() => new SoakFolder(folder.path, 2, undefined, 6), /has a soak of 1 GB/);
  assert.throws(() => new SoakFolder(folder.path, 1, 6, 6), /with seed 5/);
});

test('faults keep their order for every seed', () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const places = plannedFaults(seed).map(({ place }) => place);
    assert.deepEqual(places, places.toSorted());
  }
});

test('a migration is behind all faults when it is ready', () => {
  const at = (state: string, figures: object, canCommit = false) =>
    placeOf({ canCommit, linkspan: { state, ...figures } } as Parameters<typeof placeOf>[0]);
  const copy = { bytesCopied: 30, bytesTotal: 100 };
  assert.equal(at('CREATED', {}), undefined);
  assert.equal(at('COPYING', { copy }), 0.3);
  assert.equal(at('FOLLOWING', { verification: { bytesCompared: 0, bytesTotal: 0 } }), 1);
  assert.equal(at('FOLLOWING', { verification: { bytesCompared: 45, bytesTotal: 90 } }), 1.5);
  assert.equal(at('FOLLOWING', {}, true), 2);
});

test('a summary leaves out the time in which no engine ran, and that between two commands or phases', () => {
  const summary = summarize([
    sampleAt(0, { loadedBytes: 1 }, 'load'),
    sampleAt(30, { loadedBytes: 9 }, 'load'),
    sampleAt(1_000, { loadedBytes: 9 }, 'load'),
    sampleAt(1_001, { state: 'COPYING' }),
    sampleAt(2_000, { state: 'COPYING', peakMegabytes: 300, processorMicrosPerDocument: 20 }),
    sampleAt(2_010, {}),
    sampleAt(2_020, { state: 'COPYING', peakMegabytes: 200, recordsMegabytes: 3 }),
    sampleAt(2_025, { state: 'FOLLOWING', lagSeconds: 4, processorMicrosPerDocument: 30 }),
    sampleAt(2_040, {}),
    sampleAt(9_000, { pausesMs: [120, 80] }, 'cutover'),
  ]);
  assert.deepEqual(summary, {
    gigabytes: 4,
    loadSeconds: 30,
    copySeconds: 15,
    verificationSeconds: 15,
    rssMegabytes: 300,
    heapMegabytes: 0,
    recordsMegabytes: 3,
    lagSeconds: 4,
    microsPerDocument: 30,
    pausesMs: [120, 80],
  });
});

test('an engine that takes 512 MB of memory, or 100 MB of records, fails the soak', () => {
  const summary = summarize([sampleAt(0, { peakMegabytes: 511, recordsMegabytes: 99 })]);
  checkLimits(summary);
  assert.throws(() => checkLimits({ ...summary, rssMegabytes: 512 }), /512 MB of memory/);
  assert.throws(() => checkLimits({ ...summary, recordsMegabytes: 100 }), /100 MB of records/);
});

test('the exponent of several sizes is that of a power of the bytes', () => {
  const points = [1, 4, 12].map((gigabytes) => [gigabytes, 50 * gigabytes ** 1.1] as const);
  assert.ok(Math.abs(exponentOf(points) - 1.1) < 1e-9);
});

test('a table of several sizes has a row for each, and the exponents', () => {
  const one = summarize([sampleAt(0, { state: 'COPYING' }), sampleAt(40, { state: 'FOLLOWING' }), sampleAt(50, {})]);
  const smaller = { ...one, gigabytes: 1, copySeconds: 10, verificationSeconds: 5, pausesMs: [99.6, 50] };
  const lines = tableOf([one, smaller]).split('\n');
  assert.match(lines[2] ?? '', /^\| 1 \| 0 \| 10 \| 5 \|.*\| 100, 50 \|$/);
  assert.match(lines[3] ?? '', /^\| 4 \| 0 \| 40 \| 10 \|/);
  assert.match(lines.at(-1) ?? '', /copy 1\.00, verification 0\.50/);
});

test('a plot of a record interrupts its lines where no engine ran', () => {
  const svg = plotOf([
    sampleAt(0, { state: 'COPYING', lagSeconds: 1 }),
    sampleAt(1, {}),
    sampleAt(2, { lagSeconds: 3 }),
  ]);
  assert.equal(svg.match(/<path d="(M[^"L]+){2}" stroke="#d62728"/g)?.length, 1);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
});
