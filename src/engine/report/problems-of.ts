import { type ErrorData, type Progress, problemsSince, type SourceWatchState } from '../../contract/index.ts';
import { counted } from '../../platform/index.ts';

/** The facts beside the progress of the direction that has cut over. */
interface Beside {
  /** The progress of its failback. */
  readonly failback: Progress | undefined;
  /** The watch of the source after the end of the migration. */
  readonly watch?: SourceWatchState | undefined;
}

/** Returns the problems since the cutover of a migration, the worst first. Empty before its cutover. */
export function problemsOf(progress: Progress, { failback, watch }: Beside): readonly ErrorData[] {
  if (progress.state !== 'COMMITTED') return [];
  const { result, claim } = progress.cutoverReport?.verification ?? {};
  const { count, namespaces } = writtenAfterCommit(progress, watch);
  return problemsSince({
    differed: result === 'DIFFERENT' ? claim : undefined,
    written: count === 0 ? undefined : [counted(count, 'change'), namespaces],
    failback: failback?.error,
  });
}

/** Returns the changes of the source after the commit: those that the engine has seen, or those of the watch after it. */
export function writtenAfterCommit(
  { cutover }: Progress,
  watch: SourceWatchState | undefined,
): { readonly count: number; readonly namespaces: string } {
  const written = cutover?.writtenAfterCommit ?? { count: 0, namespaces: '' };
  if (watch === undefined || watch.changes < written.count) return written;
  return { count: watch.changes, namespaces: watch.namespaces.join(', ') };
}
