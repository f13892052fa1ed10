import { dirname, join, resolve } from 'node:path';
import type { VerificationMode } from '../../contract/index.ts';
import { readHooks } from '../../hooks/index.ts';
import { type Logger, readBearerToken, systemClock, UserError } from '../../platform/index.ts';
import {
  type InitialLoad,
  LOG_LEVELS,
  PROCESS_OPTIONS,
  PreflightFailed,
  pairIdOf,
  readSyncConfiguration,
  Standby,
  type SyncConfiguration,
  SyncHooks,
  SyncSession,
} from '../../sync/index.ts';
import type { ExitCode } from '../command-line/exit-code.ts';
import { serveMetrics } from '../command-line/metrics.ts';
import { type End, endOf } from '../command-line/outcome.ts';
import { openLog, openLogFile } from '../terminal/index.ts';
import type { Words } from './cluster-arguments.ts';
import { givenClusters } from './given-clusters.ts';
import { refusedFlag } from './mongosync-flags.ts';
import { DEFAULT_PORT, DEFAULT_WATCH_MINUTES, LOAD_LEVELS, type SyncFlags } from './sync-flags.ts';
import { measuredOf } from './sync-metrics.ts';
import { writeSyncResult } from './sync-result.ts';
import { runApi, runOnce, tellFailure } from './sync-run.ts';

/** Runs `linkspan sync` with these flags. */
export async function runSync(words: Words, flags: SyncFlags): Promise<ExitCode> {
  let session: SyncSession | undefined;
  const report = (end: End) => {
    if (flags.output === 'json') writeSyncResult(end, session, process.stdout);
    return end.code;
  };
  try {
    const opened = await openSession(words, flags);
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

async function openSession(words: Words, flags: SyncFlags): Promise<OpenedSession> {
  const refused = refusedFlag(flags);
  if (refused !== undefined) throw new UserError('USAGE', [`--${refused}: ${PROCESS_OPTIONS[refused].note}`]);
  const file = flags.config === undefined ? {} : readSyncConfiguration(flags.config);
  const uris = givenClusters(words, flags, file);
  // The progress display shows normal work, so the log only has problems by default.
  const logger = await openSyncLog(flags, file);
  const once = flags.once ?? false;
  if (!once && (file.selection !== undefined || flags.keepDestination)) {
    throw new UserError('USAGE', [
      '--keep-destination and a selection in the file need --once. Without it, pass the selection to /start',
    ]);
  }
  const hooksFile = flags.hooksFile ?? file.hooksFile;
  const hooks = hooksFile === undefined ? undefined : openHooks(hooksFile, uris, logger);
  const standby = flags.standby ?? file.standby ?? false;
  if (once && standby) throw new UserError('USAGE', ['standby in the file does not go with --once']);
  const session = new SyncSession({
    uris,
    compression: flags.compression ?? file.compression,
    dropDestination: sideToDrop(flags, once),
    confirmDrops: flags.confirmDrops,
    takeOver: flags.takeOver,
    standby,
    acceptUntriedVersion: flags.acceptUntriedVersion ?? file.acceptUntriedVersion,
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
  const waiting = standby ? new Standby(session, uris, { logger, clock: systemClock }) : undefined;
  const run = withHooks(() => runApi(session, flags, { port, token, standby: waiting }));
  return { session, metrics, run };
}

async function openSyncLog({ verbosity, logPath }: SyncFlags, file: SyncConfiguration): Promise<Logger> {
  const directory = logPath ?? file.logPath;
  const asked = process.env.LINKSPAN_LOG_LEVEL ?? (verbosity === undefined ? file.logLevel : LOG_LEVELS[verbosity]);
  if (directory !== undefined) return openLogFile(directory, asked ?? 'info');
  return await openLog({ overProgress: true, level: asked ?? 'warn' });
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

function loadOf({ loadLevel, maxMegabytesPerSecond }: SyncFlags, file: InitialLoad = {}): InitialLoad {
  const level = LOAD_LEVELS.find((one) => String(one) === loadLevel);
  return {
    loadLevel: level ?? file.loadLevel,
    loadWindows: file.loadWindows,
    maxMegabytesPerSecond: maxMegabytesPerSecond ?? file.maxMegabytesPerSecond,
  };
}

function verificationOf({ verify, disableVerification }: SyncFlags): VerificationMode | undefined {
  return verify === false || disableVerification
    ? 'OFF'
    : (verify?.toUpperCase() as Uppercase<NonNullable<typeof verify>> | undefined);
}

function bytesOf(megabytes: number | undefined): number | undefined {
  return megabytes && megabytes * 1e6;
}
