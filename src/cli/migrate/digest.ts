import { Command, Option } from 'commander';
import type { CompressionMode } from '../../contract/index.ts';
import { type DigestReport, digestCluster } from '../../engine/index.ts';
import { messageOf, UserError, writeDurably } from '../../platform/index.ts';
import { readSyncConfiguration } from '../../sync/index.ts';
import { compressionOption } from '../command-line/compression-option.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { type End, endOf, outcomeOf } from '../command-line/outcome.ts';
import { outputOption } from '../command-line/output-option.ts';
import { catchSignals } from '../command-line/signals.ts';
import type { OutputFormat } from '../progress/index.ts';
import { openLog, tell as tellLine } from '../terminal/index.ts';
import { showDigestProgress } from './digest-progress.ts';
import { digestText } from './digest-text.ts';

interface DigestFlags {
  readonly cluster?: string;
  readonly usersAndRoles?: boolean;
  readonly config?: string;
  readonly compression?: CompressionMode;
  readonly acceptUntriedVersion?: boolean;
  readonly report?: string;
  readonly output: OutputFormat;
}

/** `linkspan digest`: makes the report of one cluster, for a comparison with another one's report. */
export function digestCommand(): Command {
  return new Command('digest')
    .description(
      'Make a report of one replica set or sharded cluster: count, bytes and digest of each collection, and fingerprints of options, indexes and views. ' +
        'It has no document and no value of an option. linkspan verify compares two reports. It writes nothing to the cluster. ' +
        'Exit status 0: the digests hold for one moment, 2: they prove nothing, and the report says why.',
    )
    .argument('[uri]', 'Connection string of the cluster (required, here or in --cluster)')
    .addOption(
      new Option('--cluster <uri>', 'The same; the variable is not visible in the process list').env(
        'LINKSPAN_CLUSTER',
      ),
    )
    .option('--config <file>', 'YAML file of linkspan sync with the selection, in the names of this cluster')
    .addOption(compressionOption())
    .option('--users-and-roles', 'Also take fingerprints of users and custom roles')
    .option('--accept-untried-version', 'Continue although a server is newer than those that Linkspan knows')
    .option('--report <file>', 'File for the report, as JSON')
    .addOption(outputOption())
    .action(async (uri: string | undefined, flags: DigestFlags) => {
      // Sockets to a server that does not answer can stay open for 30 s.
      process.exit(await runDigest(uri, flags));
    });
}

async function runDigest(uri: string | undefined, flags: DigestFlags): Promise<ExitCode> {
  try {
    using signals = catchSignals();
    const report = await makeReport(uri, flags, signals.signal);
    if (report !== undefined && flags.report !== undefined) writeReport(flags.report, report);
    const end = signals.signal.aborted
      ? { code: signals.received() === 'SIGINT' ? exitCode.interrupted : exitCode.failed }
      : endOfReport(report);
    show(report, end, flags.output);
    return end.code;
  } catch (error) {
    if (flags.output === 'json') show(undefined, endOf(error), 'json');
    throw error;
  }
}

/** @returns undefined when a signal came before anything was read */
async function makeReport(
  uri: string | undefined,
  flags: DigestFlags,
  signal: AbortSignal,
): Promise<DigestReport | undefined> {
  // An argument wins over the variable, which may be set for another cluster.
  const cluster = uri ?? flags.cluster;
  if (!cluster) throw new UserError('USAGE', ['A connection string is needed, as an argument or in LINKSPAN_CLUSTER']);
  const file = flags.config === undefined ? {} : readSyncConfiguration(flags.config);
  const { filters, documentFilters } = file.selection ?? {};
  const logger = await openLog({
    overProgress: true,
    level: process.env.LINKSPAN_LOG_LEVEL ?? file.logLevel ?? 'warn',
  });
  const ended = new AbortController();
  try {
    return await digestCluster(
      {
        cluster: { uri: cluster, compression: flags.compression ?? file.compression },
        filters,
        documentFilters,
        usersAndRoles: flags.usersAndRoles,
        acceptUntriedVersion: flags.acceptUntriedVersion ?? file.acceptUntriedVersion,
        logger,
      },
      signal,
      (progress) => void showDigestProgress(progress, process.stderr, ended.signal),
    );
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    ended.abort();
  }
}

function endOfReport(report: DigestReport | undefined): End {
  if (report === undefined) return { code: exitCode.failed };
  const isFirm = report.claim === 'AT_CLUSTER_TIME' || report.claim === 'WITHOUT_WRITES';
  if (isFirm) return { code: exitCode.done };
  return { code: exitCode.usageOrPrecondition, error: new UserError('DIGEST_PROVES_NOTHING', [report.explanation]) };
}

/** @throws UserError REPORT_UNWRITABLE */
function writeReport(file: string, report: DigestReport): void {
  try {
    writeDurably(file, `${JSON.stringify(report, null, 2)}\n`);
  } catch (error) {
    throw new UserError('REPORT_UNWRITABLE', [file, messageOf(error)], { cause: error });
  }
}

function show(report: DigestReport | undefined, end: End, output: OutputFormat): void {
  if (output === 'json') {
    process.stdout.write(`${JSON.stringify({ type: 'digest', ...outcomeOf(end), report: report ?? null })}\n`);
    return;
  }
  if (report === undefined) tellLine('linkspan digest', 'stopped before anything was read');
  else process.stdout.write(digestText(report));
}
