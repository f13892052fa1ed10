import { parseArgs } from 'node:util';
import { measureLag } from './lag.ts';
import { compareWaitingChanges, type Style } from './waiting-changes.ts';

/**
 * `npm run bench:apply -- [--part mixed|replaces|updates|lag|hot] [--scale 1] [--rounds 5] [--verification repair|off]`: compares how long
 * Linkspan needs for changes in the source's oplog with how long the destination needs for the same final states from memory.
 *
 * `--part lag|hot [--rate 5000] [--share 0.8] [--seconds 30]` measures the lag while changes come at a rate: all kinds of changes, or updates of
 * 50 documents. With `--share`, the rate is that share of what Linkspan applied in a second of 50,000 waiting changes.
 */
const { values } = parseArgs({
  options: {
    part: { type: 'string' },
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    verification: { type: 'string', default: 'repair' },
    rate: { type: 'string' },
    share: { type: 'string' },
    seconds: { type: 'string', default: '30' },
  },
});
const { part, verification } = values;
const scale = Number(values.scale);

/** The number of changes of each style. */
const WAITING: Readonly<Record<Style, number>> = { mixed: 300_000, replaces: 50_000, updates: 50_000 };

if (part === 'lag' || part === 'hot') {
  await measureLag(part, {
    rate: values.rate === undefined ? undefined : Number(values.rate),
    share: values.share === undefined ? undefined : Number(values.share),
    seconds: Number(values.seconds),
    verification,
  });
} else {
  for (const [style, count] of Object.entries(WAITING) as [Style, number][]) {
    if (part !== undefined && part !== style) continue;
    await compareWaitingChanges(style, Math.round(count * scale), { rounds: Number(values.rounds), verification });
  }
}
