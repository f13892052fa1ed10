import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, removeData } from './compare.ts';
import { cutOver } from './cutover.ts';
import { checkDisk, folderBytes } from './disk.ts';
import { load } from './load.ts';
import { migrate } from './migrate.ts';
import { plotOf } from './plot.ts';
import { Recorder } from './recorder.ts';
import { checkLimits, readRecord, summarize, tableOf } from './report.ts';
import { openServers } from './servers.ts';
import { PHASE_MS, type Soak } from './soak.ts';
import { PHASES, type Phase, recordIn, SoakFolder } from './state.ts';

/**
 * `npm run soak -- --gigabytes 12 [--seed N] [--dir FOLDER] [PHASE]`: migrates so much mixed data under writes and faults, cuts over, fails back and
 * compares both sides. A phase is `load`, `migrate`, `cutover` or `compare`; without one, all that are not done run. A phase stops after 55
 * minutes, and the same command resumes it.
 *
 * `npm run soak -- report FOLDER…`: prints the results of several sizes, and the exponent of time in bytes.
 *
 * Exit code 1: something failed, and the data is kept. 2: a phase has reached its time limit.
 */
const { values, positionals } = parseArgs({
  options: { gigabytes: { type: 'string', default: '1' }, seed: { type: 'string' }, dir: { type: 'string' } },
  allowPositionals: true,
});
const RUN = { load, migrate, cutover: cutOver, compare } satisfies Record<Phase, (soak: Soak) => Promise<string>>;

try {
  if (positionals[0] === 'report') report(positionals.slice(1));
  else await runPhases();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
// Left to itself, Node may wait for ever for what a connection that was reset had not sent.
process.exit();

async function runPhases(): Promise<void> {
  const gigabytes = Number(values.gigabytes);
  if (!(gigabytes > 0)) throw new Error(`--gigabytes takes a number above 0, not ${values.gigabytes}.`);
  const path = values.dir ?? join(tmpdir(), `linkspan-soak-${gigabytes}gb`);
  const seed = values.seed === undefined ? undefined : Number(values.seed);
  const folder = new SoakFolder(path, gigabytes, seed, randomInt(2 ** 31));
  const { done } = folder.state;
  console.log(`soak of ${gigabytes} GB with seed ${folder.state.seed} in ${path}`);
  const wanted = PHASES.filter((phase) => positionals.length === 0 || positionals.includes(phase));
  if (wanted.length === 0)
    throw new Error(`There is no phase ${positionals[0]}. Phases: ${PHASES.join(', ')}, report.`);
  for (const phase of wanted.filter((one) => !done.includes(one))) {
    const before = PHASES[PHASES.indexOf(phase) - 1];
    if (before !== undefined && !done.includes(before)) throw new Error(`Run ${before} before ${phase}.`);
    checkDisk(path, gigabytes);
    if (!(await run(phase, folder))) return;
  }
  if (done.length < PHASES.length) return;
  removeData(path);
  report([path]);
}

/** @returns whether the phase is done */
async function run(phase: Phase, folder: SoakFolder): Promise<boolean> {
  const { gigabytes } = folder.state;
  const signal = AbortSignal.timeout(PHASE_MS);
  const startedMs = performance.now();
  const seconds = () => Math.round((performance.now() - startedMs) / 1_000);
  try {
    await using servers = await openServers(folder.path);
    await using record = new Recorder(folder.record, { phase, gigabytes });
    const result = await RUN[phase]({ folder, servers, record, signal });
    checkLimits(summarize(readRecord(folder.record)));
    folder.state.done.push(phase);
    folder.save();
    const disk = folderBytes(folder.path);
    console.log(`${phase}: ok in ${seconds()} s, ${result}; ${(disk / 1e9).toFixed(2)} GB on disk`);
    return true;
  } catch (error) {
    if (!signal.aborted) throw error;
    console.log(`${phase}: stopped after ${seconds()} s. The same command resumes it.`);
    process.exitCode = 2;
    return false;
  }
}

/** Prints the results of the folders, and writes a plot beside each record. */
function report(folders: readonly string[]): void {
  if (folders.length === 0) throw new Error('Name the folders of the soaks to report.');
  const records = folders.map((folder) => ({ folder, samples: readRecord(recordIn(folder)) }));
  for (const { folder, samples } of records) {
    writeFileSync(join(folder, 'record.svg'), plotOf(samples));
    console.log(`plot: ${join(folder, 'record.svg')}`);
  }
  console.log(tableOf(records.map(({ samples }) => summarize(samples))));
}
