import type { Finding, Progress } from '../../engine/index.ts';
import { counted, redact } from '../../platform/index.ts';
import {
  openSyncApi,
  PreflightFailed,
  type RequestedSelection,
  type readApiToken,
  type SyncSession,
} from '../../sync/index.ts';
import { describeError } from '../command-line/describe-error.ts';
import { exitCode } from '../command-line/exit-code.ts';
import type { End } from '../command-line/outcome.ts';
import { catchSignals } from '../command-line/signals.ts';
import { chooseRenderer, type OutputFormat, resumedText, watchProgress } from '../progress/index.ts';
import { tell as tellLine } from '../terminal/index.ts';
import { reportTimes } from './sync-result.ts';

interface RunFlags {
  readonly verify: boolean;
  readonly output: OutputFormat;
}

/** Copies, catches up and ends. @throws UserError if the migration can't start */
export async function runOnce(session: SyncSession, flags: RunFlags, selection: RequestedSelection): Promise<End> {
  using signals = catchSignals();
  signals.signal.addEventListener('abort', () => void session.stop());
  await session.start({ source: 'cluster0', destination: 'cluster1', ...selection }, tellWarning);
  const ended = new AbortController();
  const shown = watchProgress(snapshotsOf(session), chooseRenderer(flags.output), ended.signal);
  try {
    const outcome = await session.finished;
    ended.abort();
    await shown;
    if (outcome === 'stopped') return stopped(signals.received());
    const progress = session.progress();
    if (progress && flags.output === 'text') reportTimes(progress, process.stdout);
    if (flags.verify) tell('not verified: this version cannot compare source and destination yet');
    return { code: exitCode.done };
  } catch (error) {
    ended.abort();
    await shown;
    tell(describeError(error), 'error');
    tellLeft(session.progress());
    return { code: error instanceof PreflightFailed ? exitCode.usageOrPrecondition : exitCode.failed, error };
  }
}

/** Serves mongosync's API until a signal, or until the migration fails. */
export async function runApi(
  session: SyncSession,
  flags: RunFlags,
  { port, token }: { readonly port: number; readonly token?: ReturnType<typeof readApiToken> },
): Promise<End> {
  using signals = catchSignals();
  const asked = new Promise<void>((resolve) => signals.signal.addEventListener('abort', () => resolve()));
  const api = await openSyncApi(session, port, token);
  tell(`mongosync's API is ready at ${api.url}`);
  const ended = new AbortController();
  const shown = watchProgress(snapshotsOf(session), chooseRenderer(flags.output), ended.signal);
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
  await api.close();
  if (failure !== undefined) {
    tell(describeError(failure), 'error');
    tellLeft(session.progress());
    return { code: exitCode.failed, error: failure };
  }
  const resumable = session.state !== 'IDLE' && session.state !== 'COMMITTED';
  return resumable || signals.received() === 'SIGINT' ? stopped(signals.received()) : { code: exitCode.done };
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

function stopped(by: 'SIGINT' | 'SIGTERM' | undefined): End {
  tell('stopped; run the same command again to resume');
  return { code: by === 'SIGINT' ? exitCode.interrupted : exitCode.stoppedCanBeResumed };
}

/** Reports what a failed migration leaves on the destination, and the commands that resume it or clean up. */
function tellLeft(progress: Progress | undefined): void {
  if (progress?.left === undefined) return;
  const { migrationId, left } = progress;
  const { collections, views, weakenedIndexes, users, roles, blocked } = left;
  tell(
    `left on the destination: ${counted(collections, 'collection')}, ${counted(views, 'view')}, ` +
      `${counted(weakenedIndexes, 'index that is', 'indexes that are')} not as on the source, ` +
      `${counted(users, 'user')}, ${counted(roles, 'role')}${blocked ? '; its users cannot write' : ''}. Run the same command again to resume, ` +
      `or linkspan cleanup --migration ${migrationId} to show or remove what is left, including linkspan_internal`,
  );
}

function tellWarning({ code, message, remedy }: Finding): void {
  tell(`warning: ${redact(message)} ${remedy} [${code}]`, 'warning');
}

function tell(text: string, level?: 'warning' | 'error'): void {
  tellLine('linkspan sync', text, level);
}
