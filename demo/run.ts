import { once } from 'node:events';
import { type Comparison, compareClusters } from '../test/support/compare-clusters.ts';
import { eventually } from '../test/support/eventually.ts';
import type { Ledger, LedgerWriter } from '../test/support/ledger-writer.ts';
import { findMongod, MongodUnavailable } from '../test/support/mongod-binary.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { buildConsole } from './build-console.ts';
import { type CheckpointCounts, readCheckpointCounts } from './checkpoint-counts.ts';
import { startControlPlane } from './control-plane.ts';
import { type DemoData, demoData } from './data.ts';
import { requestLinkToken } from './link-token.ts';
import { describeKinds, promisedWritesPerSecond, startLiveLoad } from './live-load.ts';
import { type Attempt, LiveMigration, type Verification } from './live-migration.ts';
import { loadData } from './load-data.ts';
import { count, megabytes, narrate } from './narrate.ts';
import { startAgent } from './start-agent.ts';
import { type Clusters, startClusters } from './start-clusters.ts';
import { watchPhases } from './watch-phases.ts';

/** With fewer changes, the demonstration would not test changes to ranges that are being copied. */
const CHANGES_DURING_COPY_NEEDED = 1_000;
const WRITES_AFTER_CUTOVER = 500;
/** There, back, and there again. */
const CUTOVERS = 3;
const IN_STEP_WITHIN_MS = 60_000;

export interface DemoOptions {
  /** Whether everything stays after the migration, until Ctrl-C. */
  readonly keep?: boolean;
}

/**
 * Runs a complete push live migration: clusters, real data, control plane, link-token, agent, migration under load, cutover, the failback and there
 * again, and a comparison of both sides. Exit code 0: both sides are equal, and enough changes hit ranges that were being copied. Exit code 1: otherwise. Exit code 2: there is no mongod.
 */
export async function demonstrate({ keep = false }: DemoOptions = {}): Promise<number> {
  try {
    narrate(`using ${(await findMongod()).origin}`);
  } catch (error) {
    if (!(error instanceof MongodUnavailable)) throw error;
    console.error(error.message);
    return 2;
  }
  using folder = temporaryFolder('demo');
  await using clusters = await startClusters();
  narrate('source (3 members) and destination run, with authentication and users of least privilege');
  const data = demoData();
  const { collections, documents, indexes } = await loadData(clusters.source.client, data);
  narrate(
    `loaded ${count(documents)} documents of ${data.origin} into ${collections} collections with ${indexes} indexes`,
  );

  await buildConsole();
  await using controlPlane = await startControlPlane(folder.path);
  const { organization } = controlPlane;
  narrate(`linkspan serve runs at ${organization.url}`);
  // The key ends with the demo.
  narrate(`watch it there: sign in with ${organization.publicKey} and ${organization.privateKey}`);
  const token = await requestLinkToken(organization, '127.0.0.1');
  narrate(`POST /api/atlas/v1.0/orgs/${organization.id}/liveMigrations/linkTokens → 201 Created`);
  await using agent = await startAgent(folder.path, token, clusters.migrationUri.source);
  narrate('linkspan agent runs, and has redeemed the link-token');
  try {
    const code = await migrate(clusters, data, new LiveMigration(organization));
    if (keep) {
      narrate(
        `everything stays: ${organization.url}, user ${organization.publicKey}, password ${organization.privateKey}`,
      );
      narrate('press Ctrl-C to end it');
      await once(process, 'SIGINT');
    }
    return code;
  } catch (error) {
    console.error(`\nlinkspan serve wrote:\n${controlPlane.process.stderr}\nlinkspan agent wrote:\n${agent.stderr}`);
    throw error;
  }
}

async function migrate(clusters: Clusters, data: DemoData, migration: LiveMigration): Promise<number> {
  const { destination, migrationUri } = clusters;
  await using load = await startLiveLoad(clusters, data);
  narrate('the live load runs');
  await migration.register(migrationUri.destination);
  narrate(`the agent offers ${await migration.available()}`);
  await migration.validate();
  narrate('validation: SUCCESS');
  const id = await migration.start();
  narrate(`live migration ${id} started`);
  {
    await using _phases = watchPhases(destination.client, id);
    await migration.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  }
  const rate = load.snapshot().documentsWritten / load.runningSeconds();
  const verification = await cutOver(migration, load);
  const counts = await readCheckpointCounts(destination.client, id);
  if (!counts) throw new Error('the migration has no checkpoint');
  for (const to of ['back to the source', 'to the destination again']) {
    narrate(`PUT …/liveMigrations/${id}/reverse: ${to}`);
    await migration.reverse();
    await migration.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
    await cutOver(migration, load);
  }
  const ledger = await load.stop();
  await migration.until('followed by the side without users', ({ linkspan }) => linkspan.failback?.ready === true);
  narrate('the load has ended; comparing both sides, byte by byte, by a program that is independent of Linkspan');
  const compared = await compareInStep(clusters);
  narrate(`compared ${count(compared.documents)} documents in ${compared.collections} collections`);
  return report(ledger, rate, counts, verification, compared.differences);
}

/** Cuts over, and waits until applications write to the other side. @returns what Linkspan has compared before */
async function cutOver(migration: LiveMigration, load: LedgerWriter): Promise<Verification> {
  const before = load.snapshot().pausesMs.length;
  narrate('readyForCutover: true; PUT …/cutover');
  const requestedMs = performance.now();
  await migration.cutOver();
  const { linkspan } = await migration.until('complete', ({ status }) => status === 'COMPLETE');
  narrate(`status: COMPLETE, ${seconds(performance.now() - requestedMs)} after the PUT`);
  describeAttempts(linkspan.progress?.cutoverAttempts ?? []);
  await eventually(() => load.snapshot().pausesMs.length > before, { what: 'writes on the other side' });
  const { documentsWritten } = load.snapshot();
  await eventually(() => load.snapshot().documentsWritten >= documentsWritten + WRITES_AFTER_CUTOVER, {
    what: 'more writes on the other side',
  });
  if (!linkspan.progress) throw new Error('the migration reports no verification');
  return linkspan.progress.verification;
}

/** Compares both sides without exception, when the side without users has followed the last writes. */
async function compareInStep({ source, destination }: Clusters): Promise<Comparison> {
  let last: Comparison | undefined;
  const compare = async () => {
    last = await compareClusters(source.client, destination.client);
    return last.differences.length === 0;
  };
  await eventually(compare, { what: 'both sides to be equal', deadlineMs: IN_STEP_WITHIN_MS }).catch(() => undefined);
  if (last === undefined) throw new Error('the sides could not be compared');
  return last;
}

/** Prints where the time of the cutover went, in steps of 10 ms and more. */
function describeAttempts(attempts: readonly Attempt[]): void {
  for (const { number, result, steps } of attempts) {
    narrate(`attempt ${number}: ${result}`);
    for (const { name, durationMs = 0, reason, counts } of steps)
      if (durationMs >= 10)
        narrate(`  ${seconds(durationMs)} ${name}: ${reason}${counts ? ` ${JSON.stringify(counts)}` : ''}`);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function report(
  ledger: Ledger,
  rate: number,
  counts: CheckpointCounts,
  verification: Verification,
  differences: readonly string[],
): number {
  const { documentsCompared, collectionsDone, documentsRechecked, mismatches } = verification;
  const { documentsCopied, bytesCopied, copySeconds, changesApplied, changesRead, changesDuringCopy } = counts;
  console.log(`
live load           ${count(ledger.documentsWritten)} writes, ${count(rate)} writes/s until the cutover: ${describeKinds(ledger)}
initial sync        ${count(documentsCopied)} documents, ${megabytes(bytesCopied)}, ${(bytesCopied / 1e6 / copySeconds).toFixed(1)} MB/s (limited for this demonstration)
changes applied     ${count(changesRead)}, of which ${count(changesDuringCopy)} hit ranges being copied; written as ${count(changesApplied)} states of documents
verified            ${count(documentsCompared)} documents in ${collectionsDone} collections by Linkspan before the cutover, ${count(documentsRechecked)} rechecks of changed documents, ${count(mismatches.found)} differed
write pauses        ${ledger.pausesMs.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}: there, back, and there again
identical           ${differences.length === 0 ? 'yes' : 'no'}`);
  for (const difference of differences) console.error(difference);
  if (rate < promisedWritesPerSecond) {
    console.error(`note: this machine was too busy for a load of ${promisedWritesPerSecond} writes/s`);
  }
  const failures = [
    differences.length > 0 && 'source and destination differ',
    (mismatches.found > 0 || !isWhole(verification)) && 'the verification is incomplete, or found differences',
    ledger.pausesMs.length !== CUTOVERS && `the writers changed sides ${ledger.pausesMs.length} times`,
    changesDuringCopy < CHANGES_DURING_COPY_NEEDED &&
      `fewer than ${CHANGES_DURING_COPY_NEEDED} changes hit ranges being copied: this run proves nothing`,
  ].filter((failure) => failure !== false);
  for (const failure of failures) console.error(`failed: ${failure}`);
  return failures.length === 0 ? 0 : 1;
}

/** Whether all documents and catalogs were compared. */
function isWhole({ phase, catalogDifferences }: Verification): boolean {
  return phase === 'FOLLOWING' && catalogDifferences?.length === 0;
}

if (import.meta.main) process.exitCode = await demonstrate();
