import { Command, InvalidArgumentError, Option } from 'commander';
import { type CompressionMode, inWords, type VerificationReport } from '../../contract/index.ts';
import { ClusterVerification, type Verified } from '../../engine/index.ts';
import { UserError, version } from '../../platform/index.ts';
import { readSyncConfiguration } from '../../sync/index.ts';
import { compressionOption } from '../command-line/compression-option.ts';
import { type ExitCode, exitCode } from '../command-line/exit-code.ts';
import { type End, endOf, writeResult } from '../command-line/outcome.ts';
import { outputOption } from '../command-line/output-option.ts';
import { catchSignals } from '../command-line/signals.ts';
import type { OutputFormat } from '../progress/index.ts';
import { openLog, tell as tellLine } from '../terminal/index.ts';
import { withClusters } from './cluster-arguments.ts';
import { givenClusters } from './given-clusters.ts';
import { VerifyFile } from './verify-file.ts';
import { showVerifyProgress } from './verify-progress.ts';
import { verifyReports } from './verify-reports.ts';
import { writeVerification } from './verify-text.ts';

interface VerifyFlags {
  readonly cluster0?: string;
  readonly cluster1?: string;
  readonly config?: string;
  readonly keepDestination?: boolean;
  readonly usersAndRoles?: boolean;
  readonly repair?: boolean;
  readonly rate?: number;
  readonly compression?: CompressionMode;
  readonly once?: boolean;
  readonly follow?: boolean;
  readonly settleSeconds: number;
  readonly acceptUntriedVersion?: boolean;
  readonly report?: string;
  readonly reports?: readonly string[];
  readonly output: OutputFormat;
}

const DEFAULT_SETTLE_SECONDS = 10;

/** `linkspan verify`: compares two clusters, whichever tool copied one to the other. */
export function verifyCommand(): Command {
  return withClusters(new Command('verify'))
    .description(
      'Compare two clusters: every document byte by byte, options, indexes and views. Both may change meanwhile. ' +
        'It writes nothing to either side unless --repair is given. ' +
        'Exit status 0: equal, 3: different, 2: they cannot be compared, 4: stopped or undecided; run the same command with the same --report again.',
    )
    .option('--config <file>', 'YAML file of linkspan sync with selection and names')
    .option('--keep-destination', 'Ignore collections that only the destination has')
    .option('--users-and-roles', 'Also compare users and custom roles')
    .option(
      '--repair',
      "Write the source's documents to the destination where they differ, and delete those that the source doesn't have",
    )
    .option('--rate <megabytes>', 'Limit of reads on each side, in megabytes per second', parsePositive)
    .addOption(compressionOption())
    .option('--once', 'Compare once and end (the default)')
    .addOption(new Option('--follow', 'Compare what changes as well, until a signal').conflicts('once'))
    .option(
      '--settle-seconds <seconds>',
      'Count a difference once it has lasted this long; more than what keeps the destination up to date lags behind',
      parsePositive,
      DEFAULT_SETTLE_SECONDS,
    )
    .option('--accept-untried-version', 'Continue although a server is newer than those that Linkspan knows')
    .option('--report <file>', 'File for the report, and for the state of a run that was stopped')
    .option('--reports <files...>', 'Compare two reports of linkspan digest, without a connection to either cluster')
    .addOption(outputOption())
    .action(async (source: string | undefined, destination: string | undefined, flags: VerifyFlags) => {
      // Sockets to a server that does not answer can stay open for 30 s.
      process.exit(await runVerify(source, destination, flags));
    });
}

async function runVerify(
  source: string | undefined,
  destination: string | undefined,
  flags: VerifyFlags,
): Promise<ExitCode> {
  try {
    if (flags.reports !== undefined) {
      if (source !== undefined) throw new UserError('USAGE', ['--reports takes no connection strings']);
      return verifyReports({ files: flags.reports, config: flags.config, output: flags.output }, process.stdout).code;
    }
    using signals = catchSignals();
    const file = flags.report === undefined ? undefined : new VerifyFile(flags.report, version);
    const verified = await compare(source, destination, flags, file, signals.signal);
    const end = endOfReport(verified.report);
    const isOver = end.code !== exitCode.stoppedCanBeResumed;
    if (isOver) file?.finish(verified);
    show(verified, end, isOver ? file?.differencesPath : undefined, flags.output);
    if (!isOver) tellStopped(verified.report, file);
    return end.code;
  } catch (error) {
    if (flags.output === 'json') writeResult(endOf(error), process.stdout, { report: null });
    throw error;
  }
}

async function compare(
  source: string | undefined,
  destination: string | undefined,
  flags: VerifyFlags,
  file: VerifyFile | undefined,
  signal: AbortSignal,
): Promise<Verified> {
  const settings = flags.config === undefined ? {} : readSyncConfiguration(flags.config);
  const uris = givenClusters([source, destination], flags, settings);
  const state = file?.read();
  const rate = flags.rate ?? settings.load?.maxMegabytesPerSecond;
  const compression = flags.compression ?? settings.compression;
  const { filters, documentFilters, namespaceRemap, keepDestination } = settings.selection ?? {};
  const verification = new ClusterVerification({
    source: { uri: uris.cluster0, compression },
    destination: { uri: uris.cluster1, compression },
    filters,
    documentFilters,
    namespaceRemap,
    keepDestination: flags.keepDestination ?? keepDestination,
    usersAndRoles: flags.usersAndRoles ?? settings.usersAndRoles,
    repair: flags.repair,
    acceptUntriedVersion: flags.acceptUntriedVersion ?? settings.acceptUntriedVersion,
    follow: flags.follow,
    bytesPerSecond: rate && rate * 1e6,
    settleMs: flags.settleSeconds * 1000,
    resume: file && state && { state, file: file.path },
    save: file && ((saved) => file.save(saved)),
    onReport: (report) => tellFollowed(report),
    logger: await openLog({
      overProgress: true,
      level: process.env.LINKSPAN_LOG_LEVEL ?? settings.logLevel ?? 'warn',
    }),
  });
  const ended = new AbortController();
  const shown = showVerifyProgress(verification, flags.output, process, ended.signal);
  try {
    return await verification.run(signal);
  } finally {
    ended.abort();
    await shown;
  }
}

function endOfReport({ result, explanation }: VerificationReport): End {
  switch (result) {
    case 'EQUAL':
      return { code: exitCode.done };
    case 'DIFFERENT':
      return { code: exitCode.differences, error: new UserError('DIFFERENCES_FOUND', [explanation]) };
    case 'UNDECIDED':
    case 'UNFINISHED':
      return { code: exitCode.stoppedCanBeResumed };
  }
}

function show(verified: Verified, end: End, listedIn: string | undefined, output: OutputFormat): void {
  if (output === 'text') {
    writeVerification(verified, listedIn, process.stdout);
    return;
  }
  for (const difference of verified.differences) {
    process.stdout.write(`${JSON.stringify({ type: 'difference', ...difference })}\n`);
  }
  writeResult(end, process.stdout, { report: verified.report });
}

function tellStopped({ result }: VerificationReport, file: VerifyFile | undefined): void {
  const why = result === 'UNFINISHED' ? 'stopped' : 'something kept changing';
  const next = file === undefined ? 'starts anew' : 'resumes';
  tell(`${why}; the same command ${next}`);
}

/** Says on stderr when the result of a run that follows changes is another one. */
let followed: VerificationReport['result'] | undefined;
function tellFollowed({ result, explanation }: VerificationReport): void {
  if (result === followed) return;
  followed = result;
  tell(`${inWords(result)}: ${explanation}`);
}

function tell(text: string): void {
  tellLine('linkspan verify', text);
}

function parsePositive(text: string): number {
  const number = Number(text);
  if (!(number > 0 && Number.isFinite(number))) throw new InvalidArgumentError('It is not a number above 0.');
  return number;
}
