import { UserError } from '../platform/index.ts';
import { type ErrorData, errorDataOf } from './error-data.ts';

/** The facts about a migration since its cutover. */
interface SinceCutover {
  /** The claim of the verification, when both sides differed at the cutover. */
  readonly differed?: string | undefined;
  /** The changes that the source received after the commit, in words, and their namespaces. */
  readonly written?: readonly [changes: string, namespaces: string] | undefined;
  /** Why the failback has failed, or is lost. */
  readonly failback?: ErrorData | undefined;
}

/**
 * Returns the problems since a cutover, the worst first; empty while there are none. Every interface that shows a
 * complete migration shows the first of them before anything else.
 */
export function problemsSince({ differed, written, failback }: SinceCutover): readonly ErrorData[] {
  return [
    ...(differed === undefined
      ? []
      : [errorDataOf(new UserError('VERIFICATION_FAILED', [differed.replace(/\.$/, '')]))]),
    ...(written === undefined ? [] : [errorDataOf(new UserError('SOURCE_WRITTEN_AFTER_COMMIT', written))]),
    ...(failback === undefined ? [] : [failback]),
  ];
}
