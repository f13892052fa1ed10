import { compareClusters } from '../test/support/compare-clusters.ts';
import { eventually } from '../test/support/eventually.ts';
import type { Ledger, LedgerWriter } from '../test/support/ledger-writer.ts';
import { findMongod, MongodUnavailable } from '../test/support/mongod-binary.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { type CheckpointCounts, readCheckpointCounts } from './checkpoint-counts.ts';
import { startControlPlane } from './control-plane.ts';
import { requestLinkToken } from './link-token.ts';
import { describeKinds, promisedWritesPerSecond, startLiveLoad } from './live-load.ts';
import { type Attempt, LiveMigration, type Verification } from './live-migration.ts';
import { loadDatasets } from './load-datasets.ts';
import { count, megabytes, narrate } from './narrate.ts';
import { startAgent } from './start-agent.ts';
import { type Clusters, startClusters } from './start-clusters.ts';
import { watchPhases } from './watch-phases.ts';

/** With fewer changes, the demonstration would not test changes to ranges that are being copied. */
const CHANGES_DURING_COPY_NEEDED = 1_000;
const WRITES_AFTER_CUTOVER = 500;

/**
 * Runs a complete push live migration: clusters, real data, control plane, link-token, agent, migration under load, cutover, and a comparison of
 * both sides. Exit code 0: both sides are equal, and enough changes hit ranges that were being copied. Exit code 1: otherwise. Exit code 2: there is no mongod.
 */
async function main(): Promise<number> {
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
  const { collections, documents, indexes } = await loadDatasets(clusters.source.client);
  narrate(
    `loaded ${count(documents)} documents of vega-datasets into ${collections} collections with ${indexes} indexes`,
  );

  await using controlPlane = await startControlPlane(folder.path);
  const { organization } = controlPlane;
  narrate(`linkspan serve runs at ${organization.url}`);
  const token = await requestLinkToken(organization, '127.0.0.1');
  narrate(`POST /api/atlas/v1.0/orgs/${organization.id}/liveMigrations/linkTokens → 201 Created`);
  await using agent = await startAgent(folder.path, token, clusters.migrationUri.source);
  narrate('linkspan agent runs, and has redeemed the link-token');
  try {
    return await migrate(clusters, new LiveMigration(organization));
  } catch (error) {
    console.error(`\nlinkspan serve wrote:\n${controlPlane.process.stderr}\nlinkspan agent wrote:\n${agent.stderr}`);
    throw error;
  }
}

async function migrate(clusters: Clusters, migration: LiveMigration): Promise<number> {
  const { source, destination, migrationUri } = clusters;
  await using load = await startLiveLoad(clusters);
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
  const beforeCutover = load.snapshot();
  const loadSeconds = load.runningSeconds();
  narrate(`readyForCutover: true; PUT …/liveMigrations/${id}/cutover`);
  const requestedMs = performance.now();
  await migration.cutOver();
  const { linkspan } = await migration.until('complete', ({ status }) => status === 'COMPLETE');
  const verification = linkspan.progress?.verification;
  if (!verification) throw new Error('the migration reports no verification');
  narrate(`status: COMPLETE, ${seconds(performance.now() - requestedMs)} after the PUT`);
  describeAttempts(linkspan.progress?.cutoverAttempts ?? []);
  await writeOnDestination(load);
  const ledger = await load.stop();
  const counts = await readCheckpointCounts(destination.client, id);
  if (!counts) throw new Error('the migration has no checkpoint');
  narrate('comparing both sides, byte by byte, by a program that is independent of Linkspan');
  const { differences, ...compared } = await compareClusters(source.client, destination.client, {
    except: ledger.writtenOnDestination,
  });
  narrate(`compared ${count(compared.documents)} documents in ${compared.collections} collections`);
  const rate = beforeCutover.documentsWritten / loadSeconds;
  return report(ledger, rate, counts, verification, differences);
}

/** Prints where the time of the cutover went. */
function describeAttempts(attempts: readonly Attempt[]): void {
  for (const { number, result, steps } of attempts) {
    narrate(`attempt ${number}: ${result}`);
    for (const { name, durationMs = 0, reason, counts } of steps)
      narrate(`  ${seconds(durationMs)} ${name}: ${reason}${counts ? ` ${JSON.stringify(counts)}` : ''}`);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** Waits until the load has written to the destination. */
async function writeOnDestination(load: LedgerWriter): Promise<void> {
  const { documentsWritten } = load.snapshot();
  await eventually(() => load.snapshot().documentsWritten >= documentsWritten + WRITES_AFTER_CUTOVER, {
    what: 'writes on the destination',
  });
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
initial copy        ${count(documentsCopied)} documents, ${megabytes(bytesCopied)}, ${(bytesCopied / 1e6 / copySeconds).toFixed(1)} MB/s (limited for this demonstration)
changes applied     ${count(changesRead)}, of which ${count(changesDuringCopy)} hit ranges being copied; written as ${count(changesApplied)} states of documents
verified            ${count(documentsCompared)} documents in ${collectionsDone} collections by Linkspan before the cutover, ${count(documentsRechecked)} rechecks of changed documents, ${count(mismatches.found)} differed
write pause         ${ledger.pauseMs?.toFixed(0) ?? 'not measured'} ms
identical           ${differences.length === 0 ? 'yes' : 'no'}`);
  for (const difference of differences) console.error(difference);
  if (rate < promisedWritesPerSecond) {
    console.error(`note: this machine was too busy for a load of ${promisedWritesPerSecond} writes/s`);
  }
  const failures = [
    differences.length > 0 && 'source and destination differ',
    (mismatches.found > 0 || !isWhole(verification)) && 'the verification is incomplete, or found differences',
    ledger.pauseMs === undefined && 'no write was accepted by the destination',
    changesDuringCopy < CHANGES_DURING_COPY_NEEDED &&
      `fewer than ${CHANGES_DURING_COPY_NEEDED} changes hit ranges being copied: this run proves nothing`,
  ].filter((failure) => failure !== false);
  for (const failure of failures) console.error(`failed: ${failure}`);
  return failures.length === 0 ? 0 : 1;
}

/** Whether all documents and catalogs were compared. */
function isWhole({ phase, catalogDifferences }: Verification): boolean {
  return phase === 'following' && catalogDifferences?.length === 0;
}

process.exitCode = await main();
