import { type Finding, isLastingFailure, type Progress } from '../../contract/index.ts';
import { type Leader, shownState } from '../../engine/index.ts';
import { type BearerToken, counted, redact } from '../../platform/index.ts';
import {
  openSyncApi,
  PreflightFailed,
  type RequestedSelection,
  type Standby,
  type SyncSession,
  unfinishedMigrations,
} from '../../sync/index.ts';
import { serveConsole } from '../command-line/console.ts';
import { describeError } from '../command-line/describe-error.ts';
import { exitCode } from '../command-line/exit-code.ts';
import { findingsText } from '../command-line/findings.ts';
import { codeOfFailure, codeOfProblem, type End } from '../command-line/outcome.ts';
import { catchSignals } from '../command-line/signals.ts';
import {
  chooseRenderer,
  differenceLines,
  isVerified,
  type OutputFormat,
  resumedText,
  verificationText,
  watchProgress,
} from '../progress/index.ts';
import { tell as tellLine } from '../terminal/index.ts';
import { reportTimes } from './sync-result.ts';

interface ApiOptions {
  readonly port: number;
  readonly token: BearerToken | undefined;
  /** Waits beside the process that leads, and takes over from it. */
  readonly standby: Standby | undefined;
}

interface RunFlags {
  readonly output: OutputFormat;
}

/** Copies, catches up and ends. @throws UserError if the migration can't start */
export async function runOnce(session: SyncSession, flags: RunFlags, selection: RequestedSelection): Promise<End> {
  using signals = catchSignals();
  signals.signal.addEventListener('abort', () => void session.stop());
  await session.start({ source: 'cluster0', destination: 'cluster1', ...selection }, tellWarning);
  const ended = new AbortController();
  const shown = watchProgress(snapshotsOf(session), chooseRenderer(flags.output), ended.signal, {
    wanted: () => session.wanted,
    problems: () => session.problems,
  });
  try {
    const outcome = await session.finished;
    ended.abort();
    await shown;
    const progress = session.progress();
    tellVerification(progress);
    if (outcome === 'STOPPED') return stopped(signals.received());
    if (progress && flags.output === 'text') reportTimes(progress, process.stdout);
    return tellProblems(session) ?? { code: exitCode.done };
  } catch (error) {
    ended.abort();
    await shown;
    tellFailure(error);
    tellVerification(session.progress());
    tellLeft(session.progress());
    return { code: error instanceof PreflightFailed ? exitCode.usageOrPrecondition : codeOfFailure(error), error };
  }
}

/** Serves mongosync's API until a signal, or until the migration fails. */
export async function runApi(
  session: SyncSession,
  flags: RunFlags,
  { port, token, standby }: ApiOptions,
): Promise<End> {
  using signals = catchSignals();
  const asked = new Promise<void>((resolve) => signals.signal.addEventListener('abort', () => resolve()));
  let hasConsole = false;
  const api = await openSyncApi(session, port, { token, standby }, (app) => {
    hasConsole = serveConsole(app, 'sync.html');
  });
  tell(`mongosync's API is ready at ${api.url}`);
  if (hasConsole) tell(`console at ${api.origin}/`);
  if (standby === undefined) void tellUnfinished(session, signals.signal);
  const ended = new AbortController();
  const standing = standby?.run(AbortSignal.any([signals.signal, ended.signal]), tellLeader);
  const shown = watchProgress(snapshotsOf(session), chooseRenderer(flags.output), ended.signal, {
    wanted: () => session.wanted,
    problems: () => session.problems,
  });
  let failure: unknown;
  try {
    // After the commit it still answers /progress, until a signal ends it.
    await Promise.race([asked, session.finished.then(() => asked)]);
    await session.stop();
  } catch (error) {
    failure = error;
  }
  ended.abort();
  await shown;
  await standing;
  await api.close();
  if (failure !== undefined) {
    tell(describeError(failure), 'error');
    tellVerification(session.progress());
    tellLeft(session.progress(), 'Run the same command again, and POST /api/v1/start, to resume');
    return { code: codeOfFailure(failure), error: failure };
  }
  tellVerification(session.progress());
  return endOfApi(session, signals.received());
}

/** The end of a process that a signal stopped: done after the commit, else to be resumed or to be started. */
function endOfApi(session: SyncSession, by: 'SIGINT' | 'SIGTERM' | undefined): End {
  const withProblems = tellProblems(session);
  if (withProblems !== undefined) return withProblems;
  if (session.state === 'COMMITTED' && session.failback === undefined) {
    tell('ended; the migration is committed');
    return { code: exitCode.done };
  }
  const isIdle = session.state === 'IDLE';
  tell(
    isIdle
      ? 'stopped; no migration was started'
      : 'stopped; start the same command again, then POST /api/v1/start resumes the migration from its checkpoint',
  );
  if (by === 'SIGINT') return { code: exitCode.interrupted };
  return { code: isIdle ? exitCode.done : exitCode.stoppedCanBeResumed };
}

/** Reports the problems since the cutover. @returns the end of the process, for the worst of them; undefined if there are none */
function tellProblems({ problems, failback }: SyncSession): End | undefined {
  for (const { message, remedy, code } of problems) tell(`${redact(message)} ${remedy} [${code}]`, 'error');
  const [problem] = problems;
  if (problem === undefined) return undefined;
  const lasts = failback?.error !== undefined && isLastingFailure(failback.error);
  const resumes = failback === undefined || lasts ? '' : '; start the same command again to resume the failback';
  tell(`ended; the migration is committed, with problems${resumes}`, 'error');
  return { code: codeOfProblem(problem), problem };
}

/** Says which migration a `/start` resumes; nothing where none is on record, or another client has started one meanwhile. */
async function tellUnfinished(session: SyncSession, stop: AbortSignal): Promise<void> {
  for (const { migrationId, source, destination, state } of await unfinishedMigrations(session.settings.uris, stop)) {
    if (session.direction !== undefined) return;
    tell(
      `migration ${migrationId} from ${source} to ${destination} is unfinished (${shownState(state)}): ` +
        `POST /api/v1/start with {"source":"${source}","destination":"${destination}"} resumes it`,
    );
  }
}

/** Says which process leads, each time that this changes. */
function tellLeader(leader: Leader | undefined): void {
  tell(
    leader === undefined
      ? 'no process leads a migration of these clusters'
      : `standby: process ${leader.pid} on host ${leader.host} leads the migration`,
  );
}

/** Returns a function that reads the session's progress. It reports a resumed run once on stderr. */
function snapshotsOf(session: SyncSession): () => Progress | undefined {
  let isTold = false;
  return () => {
    const progress = session.progress();
    const resumed = progress && resumedText(progress);
    if (resumed !== undefined && !isTold) {
      isTold = true;
      if (process.stderr.isTTY) process.stderr.write('\n');
      tell(`resuming ${resumed}`);
    }
    return progress;
  };
}

/**
 * Reports the result of the comparison, and lists the latest documents that differed. Says nothing about an unfinished migration that has
 * compared nothing.
 */
function tellVerification(progress: Progress | undefined): void {
  if (progress === undefined) return;
  const { phase } = progress.verification;
  if (progress.state !== 'COMMITTED' && (phase === 'OFF' || phase === 'WAITING')) return;
  const text = verificationText(progress);
  if (text !== undefined) tell(text, isVerified(progress) ? undefined : 'warning');
  for (const line of differenceLines(progress.verification)) tell(line);
}

/** The end of a copy with `--once` that a signal stopped. */
function stopped(by: 'SIGINT' | 'SIGTERM' | undefined): End {
  tell('stopped; run the same command again to resume');
  return { code: by === 'SIGINT' ? exitCode.interrupted : exitCode.stoppedCanBeResumed };
}

/** Reports what a failed migration leaves on the destination, and the commands that resume it or clean up. */
function tellLeft(progress: Progress | undefined, resuming = 'Run the same command again to resume'): void {
  if (progress?.left === undefined) return;
  const { migrationId, left } = progress;
  const { collections, views, weakenedIndexes, users, roles, blocked } = left;
  tell(
    `left on the destination: ${counted(collections, 'collection')}, ${counted(views, 'view')}, ` +
      `${counted(weakenedIndexes, 'index that is', 'indexes that are')} not as on the source, ` +
      `${counted(users, 'user')}, ${counted(roles, 'role')}${blocked ? '; its users cannot write' : ''}. ${resuming}, ` +
      `or linkspan cleanup --migration ${migrationId} to show or remove what is left, including linkspan_internal`,
  );
}

/** Says on stderr why a migration failed or can't start: findings as `linkspan plan` shows them. */
export function tellFailure(error: unknown): void {
  if (!(error instanceof PreflightFailed)) {
    tell(describeError(error), 'error');
    return;
  }
  tell(`The migration cannot start; nothing was changed. [${error.code}]`, 'error');
  process.stderr.write(findingsText(error.findings, process.stderr));
}

function tellWarning({ code, message, remedy }: Finding): void {
  tell(`warning: ${redact(message)} ${remedy} [${code}]`, 'warning');
}

function tell(text: string, level?: 'warning' | 'error'): void {
  tellLine('linkspan sync', text, level);
}
