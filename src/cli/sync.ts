import { Command, InvalidArgumentError, Option } from 'commander';
import { type Finding, LEAST_MEMORY_MEGABYTES, type Progress } from '../engine/index.ts';
import { redact, UserError } from '../platform/index.ts';
import {
  checkUris,
  openSyncApi,
  type RequestedSelection,
  readApiToken,
  readSyncConfiguration,
  SyncSession,
} from '../sync/index.ts';
import { describeError } from './describe-error.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { chooseRenderer, type OutputFormat, watchProgress } from './progress/index.ts';
import { catchSignals } from './signals.ts';
import { reportResult } from './sync-result.ts';
import { openLog, tell as tellLine } from './terminal/index.ts';

interface SyncFlags {
  readonly cluster0?: string;
  readonly cluster1?: string;
  readonly port?: number;
  readonly once?: boolean;
  readonly verify: boolean;
  /** True where the flag names no side. */
  readonly dropDestination?: true | 'cluster0' | 'cluster1';
  readonly apiTokenFile?: string;
  readonly keepDestination?: boolean;
  readonly confirmDrops?: boolean;
  readonly usersAndRoles?: boolean;
  readonly memoryMegabytes?: number;
  readonly config?: string;
  readonly output: OutputFormat;
}

const DEFAULT_PORT = 27_182;

/** `linkspan sync`: one migration without a control plane. */
export function syncCommand(): Command {
  return new Command('sync')
    .summary('migrate between two replica sets without a control plane')
    .description(
      'Migrate between two replica sets without a control plane. With --once, copy cluster0 to cluster1, catch up and end; ' +
        "otherwise wait for mongosync's HTTP calls on loopback. Started again with the same clusters, it goes on where it was stopped.",
    )
    .option('--cluster0 <uri>', 'connection string of the first cluster (visible in the process list; --config is not)')
    .option('--cluster1 <uri>', 'connection string of the second cluster')
    .option('--port <number>', `port of the HTTP API (default: ${DEFAULT_PORT})`, parsePort)
    .option('--once', 'copy cluster0 to cluster1, catch up once, end')
    .option('--no-verify', 'do not verify the copy (verification comes later)')
    .addOption(
      new Option(
        '--drop-destination [side]',
        'permission to drop all databases of the destination first; without --once it must name the side',
      ).choices(['cluster0', 'cluster1']),
    )
    .option('--api-token-file <file>', 'file of mode 600 with a token that every call of the API but GET must present')
    .addOption(
      new Option(
        '--keep-destination',
        'with --once: copy beside what the destination has, which is not touched',
      ).conflicts('dropDestination'),
    )
    .option('--confirm-drops', 'follow drops of the source even when they take most of what was copied')
    .option('--users-and-roles', 'bring users and custom roles over, too, at the cutover')
    .option(
      '--memory-megabytes <number>',
      `most memory to take, whatever the data; at least ${LEAST_MEMORY_MEGABYTES} (default: 512)`,
      parseMemory,
    )
    .option('--config <file>', 'YAML file with these settings; may refer to environment variables')
    .addOption(new Option('--output <format>', 'for people or for programs').choices(['text', 'json']).default('text'))
    .action(async (flags: SyncFlags) => {
      process.exitCode = await runSync(flags);
    });
}

async function runSync(flags: SyncFlags): Promise<ExitCode> {
  const file = flags.config === undefined ? {} : readSyncConfiguration(flags.config);
  const uris = { cluster0: flags.cluster0 ?? file.cluster0 ?? '', cluster1: flags.cluster1 ?? file.cluster1 ?? '' };
  if (!uris.cluster0 || !uris.cluster1) throw new UserError('USAGE', ['Both --cluster0 and --cluster1 are needed']);
  checkUris(uris);
  // Progress tells the story; the log is for what is wrong, unless somebody wants more.
  const logger = await openLog({
    overProgress: true,
    level: process.env.LINKSPAN_LOG_LEVEL ?? file.logLevel ?? 'warn',
  });
  const once = flags.once ?? false;
  if (!once && (file.selection !== undefined || flags.keepDestination)) {
    throw new UserError('USAGE', [
      'What is migrated is said to /start, or, with --once, by --keep-destination and the file',
    ]);
  }
  const session = new SyncSession({
    uris,
    dropDestination: sideToDrop(flags, once),
    confirmDrops: flags.confirmDrops,
    usersAndRoles: flags.usersAndRoles ?? file.usersAndRoles,
    memoryBytes: bytesOf(flags.memoryMegabytes ?? file.memoryMegabytes),
    bypassingWrites: file.bypassingWrites,
    once,
    logger,
  });
  const selection = { ...file.selection, ...(flags.keepDestination ? { keepDestination: true } : {}) };
  if (once) return runOnce(session, flags, selection);
  const tokenFile = flags.apiTokenFile ?? file.apiTokenFile;
  const token = tokenFile === undefined ? undefined : readApiToken(tokenFile);
  return runApi(session, flags, { port: flags.port ?? file.port ?? DEFAULT_PORT, token });
}

/**
 * The side that may be dropped. Without --once any user of this machine chooses the direction, so the flag has to name a side.
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
    throw new UserError('USAGE', ['With --once cluster0 is the source, and is not dropped']);
  return given === true ? 'cluster1' : given;
}

async function runOnce(session: SyncSession, flags: SyncFlags, selection: RequestedSelection): Promise<ExitCode> {
  using signals = catchSignals();
  signals.signal.addEventListener('abort', () => void session.stop());
  await session.start({ source: 'cluster0', destination: 'cluster1', ...selection }, tellWarning);
  const ended = new AbortController();
  const shown = watchProgress(() => session.progress(), chooseRenderer(flags.output), ended.signal);
  try {
    const outcome = await session.finished;
    ended.abort();
    await shown;
    if (outcome === 'stopped') return stopped(signals.received());
    const progress = session.progress();
    if (progress) reportResult(progress, flags.output, process.stdout);
    if (flags.verify) tell('not verified: this version does not compare the two sides yet');
    return exitCode.done;
  } catch (error) {
    ended.abort();
    await shown;
    tell(describeError(error), 'error');
    tellLeft(session.progress());
    const refused = error instanceof UserError && error.code === 'PREFLIGHT_FAILED';
    return refused ? exitCode.usageOrPrecondition : exitCode.failed;
  }
}

async function runApi(
  session: SyncSession,
  flags: SyncFlags,
  { port, token }: { readonly port: number; readonly token?: ReturnType<typeof readApiToken> },
): Promise<ExitCode> {
  using signals = catchSignals();
  const asked = new Promise<void>((resolve) => signals.signal.addEventListener('abort', () => resolve()));
  const api = await openSyncApi(session, port, token);
  tell(`mongosync's API is ready at ${api.url}`);
  const ended = new AbortController();
  const shown = watchProgress(() => session.progress(), chooseRenderer(flags.output), ended.signal);
  let failure: unknown;
  try {
    // After the commit it goes on answering /progress until it is told to end.
    await Promise.race([asked, session.finished.then(() => asked)]);
    await session.stop();
  } catch (error) {
    failure = error;
  }
  ended.abort();
  await shown;
  await api.close();
  if (failure !== undefined) {
    tell(describeError(failure), 'error');
    tellLeft(session.progress());
    return exitCode.failed;
  }
  const resumable = session.state !== 'IDLE' && session.state !== 'COMMITTED';
  return resumable || signals.received() === 'SIGINT' ? stopped(signals.received()) : exitCode.done;
}

function stopped(by: 'SIGINT' | 'SIGTERM' | undefined): ExitCode {
  tell('stopped; the same command goes on from here');
  return by === 'SIGINT' ? exitCode.interrupted : exitCode.stoppedCanBeResumed;
}

/** What a failed migration leaves, and what to do about it. */
function tellLeft(progress: Progress | undefined): void {
  if (progress?.left === undefined) return;
  const { migrationId, left } = progress;
  const { collections, views, weakenedIndexes, users, roles, blocked } = left;
  tell(
    `left on the destination: ${collections} collections, ${views} views, ${weakenedIndexes} indexes that are not as on the source, ` +
      `${users} users, ${roles} roles${blocked ? '; its users cannot write' : ''}. The same command goes on from here; ` +
      `linkspan cleanup --migration ${migrationId} shows or removes what is there, and linkspan_internal, which stays until then`,
  );
}

function tellWarning({ code, message, remedy }: Finding): void {
  tell(`warning: ${redact(message)} ${remedy} [${code}]`, 'warning');
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('It is not a port number.');
  return port;
}

function parseMemory(text: string): number {
  const megabytes = Number(text);
  if (!(megabytes >= LEAST_MEMORY_MEGABYTES)) {
    throw new InvalidArgumentError(`It is not a number of at least ${LEAST_MEMORY_MEGABYTES}.`);
  }
  return megabytes;
}

function bytesOf(megabytes: number | undefined): number | undefined {
  return megabytes && megabytes * 1e6;
}

function tell(text: string, level?: 'warning' | 'error'): void {
  tellLine('linkspan sync', text, level);
}
