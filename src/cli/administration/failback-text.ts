import type { LiveMigration } from '../../atlas-api/index.ts';
import { isLastingFailure } from '../../contract/index.ts';
import { wrapBeside } from '../terminal/index.ts';

const LABEL_COLUMNS = 16;

/** The fields of a reversible migration in the API's answer. */
type ShownFailback = Pick<LiveMigration['linkspan'], 'reversals' | 'activeSide' | 'failback'>;

const SENTENCES = {
  PLANNED: 'planned: the cutover opens it',
  PREPARING: 'preparing',
  FOLLOWING: 'follows every change',
  FAILED: 'failed; it begins again by itself, at the latest when the agent restarts',
  FINISHING: 'is being closed',
  CLOSED: 'closed permanently',
  LOST: 'lost',
} as const;

/** The lines about the direction and the failback of a reversible migration; none for others. */
export function failbackLines({ activeSide, reversals = 0, failback }: ShownFailback): (readonly [string, string])[] {
  if (failback === undefined || activeSide === undefined) return [];
  const { state, ready, lagSeconds, notReadyReasons, warnings, error } = failback;
  const facts = [
    error && isLastingFailure(error) ? 'failed, and does not begin again by itself' : SENTENCES[state],
    ...(lagSeconds === null ? [] : [`${lagSeconds} s behind`]),
    ...(ready ? ['ready to return'] : []),
    ...(failback.openSince === undefined ? [] : [`open since ${failback.openSince}`]),
  ];
  return [
    ['users', `on the ${activeSide.toLowerCase()}${reversals > 0 ? `, reversed ${reversals}x` : ''}`],
    ['failback', facts.join(', ')],
    ...notReadyReasons.map((reason) => ['not ready', reason] as const),
    ...warnings.map((warning) => ['warning', warning] as const),
    ...(error ? [['error', `${error.message} ${error.remedy} [${error.code}]`] as const] : []),
  ];
}

/** The text below the table of `migration reverse` and `migration finish`. */
export function failbackText(answer: unknown): string {
  const { linkspan } = answer as { readonly linkspan: ShownFailback };
  return `\n${failbackLines(linkspan)
    .map(([label, text]) => `${wrapBeside(label, LABEL_COLUMNS, text, process.stdout)}\n`)
    .join('')}`;
}
