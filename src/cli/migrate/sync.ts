import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { LEAST_MEMORY_MEGABYTES, type VerificationMode } from '../../engine/index.ts';
import { readHooks } from '../../hooks/index.ts';
import { type Logger, readBearerToken, UserError } from '../../platform/index.ts';
import {
  checkUris,
  type InitialLoad,
  PreflightFailed,
  pairIdOf,
  readSyncConfiguration,
  SyncHooks,
  SyncSession,
} from '../../sync/index.ts';
import type { ExitCode } from '../command-line/exit-code.ts';
import { type MetricsFlags, metricsOptions, serveMetrics } from '../command-line/metrics.ts';
import { type End, endOf } from '../command-line/outcome.ts';
import type { OutputFormat } from '../progress/index.ts';
import { openLog } from '../terminal/index.ts';
import { measuredOf } from './sync-metrics.ts';
import { writeSyncResult } from './sync-result.ts';
import { runApi, runOnce, tellFailure } from './sync-run.ts';

interface SyncFlags extends MetricsFlags {
  readonly cluster0?: string;
  readonly cluster1?: string;
  readonly port?: number;
  readonly once?: boolean;
  /** False for `--no-verify`; undefined if no flag says it. */
  readonly verify?: 'repair' | 'report' | false;
  /** True if the flag names no side. */
  readonly dropDestination?: true | 'cluster0' | 'cluster1';
  readonly apiTokenFile?: string;
  readonly hooksFile?: string;
  readonly watchSourceMinutes?: number;
  readonly keepDestination?: boolean;
  readonly confirmDrops?: boolean;
  readonly takeOver?: boolean;
  readonly usersAndRoles?: boolean;
  readonly reversible?: boolean;
  readonly memoryMegabytes?: number;
  readonly loadLevel?: string;
  readonly maxMegabytesPerSecond?: number;
  readonly config?: string;
  readonly output: OutputFormat;
}

const DEFAULT_PORT = 27_182;
const DEFAULT_WATCH_MINUTES = 60;
const LOAD_LEVELS = [1, 2, 3, 4] as const;

/** `linkspan sync`: runs one migration without a control plane. */
export function syncCommand(): Command {
  const [metricsListen, metricsTokenFile] = metricsOptions();
  return new Command('sync')
    .description(
      'Migrate between two replica sets without a control plane. With --once, it copies cluster0 to cluster1, catches up and ends. ' +
        "Otherwise it serves mongosync's HTTP API on loopback. Run again with the same clusters, it resumes from its checkpoint.",
    )
    .option(
      '--cluster0 <uri>',
      'Connection string of the first cluster (required, here or in --config, which is not visible in the process list)',
    )
    .option('--cluster1 <uri>', 'Connection string of the second cluster (required, here or in --config)')
    .option('--port <number>', `Port of the HTTP API (default: ${DEFAULT_PORT})`, parsePort)
    .option('--once', 'Copy cluster0 to cluster1, catch up once, end')
    .addOption(
      new Option(
        '--verify <mode>',
        'Compare both sides before the end or the cutover. repair (default): write documents that differ again. ' +
          'report: change nothing, and refuse the cutover while something differs',
      ).choices(['repair', 'report']),
    )
    .option('--no-verify', 'Skip verification')
    .addOption(
      new Option(
        '--drop-destination [side]',
        'Allow dropping all databases of the destination first; without --once it must name the side',
      ).choices(['cluster0', 'cluster1']),
    )
    .option('--api-token-file <file>', 'File of mode 600 with the token that every API call except GET must send')
    .option(
      '--watch-source-minutes <number>',
      `Watch a blocked source for writes after the commit, 0 to not watch it (default: ${DEFAULT_WATCH_MINUTES})`,
      parseMinutes,
    )
    .option('--hooks-file <file>', 'YAML file with commands and webhooks that receive events of the migration')
    .addOption(metricsListen)
    .addOption(metricsTokenFile)
    .addOption(
      new Option('--keep-destination', 'With --once: keep the data of the destination and copy beside it').conflicts(
        'dropDestination',
      ),
    )
    .option('--confirm-drops', 'Apply drops of the source even if they remove most of the copied data')
    .option('--take-over', 'Take over the migration from another process, which then stops')
    .option('--users-and-roles', 'Also migrate users and custom roles, at the cutover')
    .addOption(
      new Option(
        '--reversible',
        'After the commit, follow the destination back to the source, so that a second commit can return to it',
      ).conflicts(['once', 'keepDestination']),
    )
    .option(
      '--memory-megabytes <number>',
      `Memory limit in megabytes, at least ${LEAST_MEMORY_MEGABYTES} (default: 512)`,
      parseMemory,
    )
    .addOption(
      new Option(
        '--load-level <level>',
        'Load level of the initial copy, from 1 (lowest load) to 4 (default: 3)',
      ).choices(LOAD_LEVELS.map(String)),
    )
    .option('--max-megabytes-per-second <number>', 'Limit of the initial copy', parseRate)
    .option('--config <file>', 'YAML file with these settings; it may refer to environment variables')
    .addOption(
      new Option('--output <format>', 'Output format: text for people, json for programs')
        .choices(['text', 'json'])
        .default('text'),
    )
    .action(async (flags: SyncFlags) => {
      process.exitCode = await runSync(flags);
    });
}

async function runSync(flags: SyncFlags): Promise<ExitCode> {
  let session: SyncSession | undefined;
  const report = (end: End) => {
    if (flags.output === 'json') writeSyncResult(end, session, process.stdout);
    return end.code;
  };
  try {
    const opened = await openSession(flags);
    session = opened.session;
    await using _metrics = await opened.metrics();
    return report(await opened.run());
  } catch (error) {
    const end = endOf(error);
    report(end);
    if (!(error instanceof PreflightFailed)) throw error;
    tellFailure(error);
    return end.code;
  }
}

interface OpenedSession {
  readonly session: SyncSession;
  /** Serves its metrics, if they are asked for. */
  readonly metrics: () => Promise<AsyncDisposable | undefined>;
  readonly run: () => Promise<End>;
}

async function openSession(flags: SyncFlags): Promise<OpenedSession> {
  const file = flags.config === undefined ? {} : readSyncConfiguration(flags.config);
  const uris = { cluster0: flags.cluster0 ?? file.cluster0 ?? '', cluster1: flags.cluster1 ?? file.cluster1 ?? '' };
  if (!uris.cluster0 || !uris.cluster1) throw new UserError('USAGE', ['Both --cluster0 and --cluster1 are needed']);
  checkUris(uris);
  // The progress display shows normal work, so the log only has problems by default.
  const logger = await openLog({
    overProgress: true,
    level: process.env.LINKSPAN_LOG_LEVEL ?? file.logLevel ?? 'warn',
  });
  const once = flags.once ?? false;
  if (!once && (file.selection !== undefined || flags.keepDestination)) {
    throw new UserError('USAGE', [
      '--keep-destination and a selection in the file need --once. Without it, pass the selection to /start',
    ]);
  }
  const hooksFile = flags.hooksFile ?? file.hooksFile;
  const hooks = hooksFile === undefined ? undefined : openHooks(hooksFile, uris, logger);
  const session = new SyncSession({
    uris,
    dropDestination: sideToDrop(flags, once),
    confirmDrops: flags.confirmDrops,
    takeOver: flags.takeOver,
    usersAndRoles: flags.usersAndRoles ?? file.usersAndRoles,
    reversible: flags.reversible ?? file.reversible,
    memoryBytes: bytesOf(flags.memoryMegabytes ?? file.memoryMegabytes),
    bypassingWrites: file.bypassingWrites,
    verification: verificationOf(flags) ?? file.verification,
    load: loadOf(flags, file.load),
    once,
    watchSourceMs: (flags.watchSourceMinutes ?? file.watchSourceMinutes ?? DEFAULT_WATCH_MINUTES) * 60_000,
    ...(hooks && { moreWarnings: () => hooks.warnings }),
    logger,
  });
  const withHooks = (work: () => Promise<End>) => (hooks === undefined ? work : () => hooks.during(session, work));
  const selection = { ...file.selection, ...(flags.keepDestination ? { keepDestination: true } : {}) };
  const metrics = () => serveMetrics(flags, file.metrics, measuredOf(session), logger);
  if (once) return { session, metrics, run: withHooks(() => runOnce(session, flags, selection)) };
  const tokenFile = flags.apiTokenFile ?? file.apiTokenFile;
  const token = tokenFile === undefined ? undefined : readBearerToken(tokenFile, 'SYNC_TOKEN_UNUSABLE');
  const port = flags.port ?? file.port ?? DEFAULT_PORT;
  return { session, metrics, run: withHooks(() => runApi(session, flags, { port, token })) };
}

/** Opens the hooks of a file. Their queue is in a folder beside it. @throws UserError the errors of the file */
function openHooks(path: string, uris: Parameters<typeof pairIdOf>[0], logger: Logger): SyncHooks {
  const queue = join(dirname(resolve(path)), 'linkspan-hooks', `${pairIdOf(uris)}.json`);
  return new SyncHooks(readHooks(path), queue, logger);
}

/**
 * Returns the side that may be dropped. Without --once any user of this machine can choose the direction, so the flag has to name a side.
 * @throws UserError USAGE
 */
function sideToDrop({ dropDestination: given }: SyncFlags, once: boolean): 'cluster0' | 'cluster1' | undefined {
  if (given === undefined) return undefined;
  if (!once && given === true) {
    throw new UserError('USAGE', [
      'Without --once /start chooses the direction: name the side that may be dropped, as in --drop-destination cluster1',
    ]);
  }
  if (once && given === 'cluster0')
    throw new UserError('USAGE', ['With --once cluster0 is the source, which Linkspan never drops']);
  return given === true ? 'cluster1' : given;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('It is not a port number.');
  return port;
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes >= 0 && minutes <= 10_080)) throw new InvalidArgumentError('It is not a number from 0 to 10080.');
  return minutes;
}

function parseMemory(text: string): number {
  const megabytes = Number(text);
  if (!(megabytes >= LEAST_MEMORY_MEGABYTES)) {
    throw new InvalidArgumentError(`It is not a number of at least ${LEAST_MEMORY_MEGABYTES}.`);
  }
  return megabytes;
}

function parseRate(text: string): number {
  const megabytes = Number(text);
  if (!(megabytes > 0 && Number.isFinite(megabytes))) throw new InvalidArgumentError('It is not a number above 0.');
  return megabytes;
}

function loadOf({ loadLevel, maxMegabytesPerSecond }: SyncFlags, file: InitialLoad = {}): InitialLoad {
  const level = LOAD_LEVELS.find((one) => String(one) === loadLevel);
  return {
    loadLevel: level ?? file.loadLevel,
    maxMegabytesPerSecond: maxMegabytesPerSecond ?? file.maxMegabytesPerSecond,
  };
}

function verificationOf({ verify }: SyncFlags): VerificationMode | undefined {
  return verify === false ? 'off' : verify;
}

function bytesOf(megabytes: number | undefined): number | undefined {
  return megabytes && megabytes * 1e6;
}
