import type { LiveMigration } from '../../atlas-api/index.ts';
import { wrapBeside } from '../terminal/index.ts';

const LABEL_COLUMNS = 16;

/** The fields of a reversible migration in the API's answer. */
type ShownWayBack = Pick<LiveMigration['linkspan'], 'reversals' | 'usersOn' | 'wayBack'>;

const SENTENCES = {
  PLANNED: 'planned: the cutover opens it',
  PREPARING: 'preparing',
  FOLLOWING: 'follows every change',
  FAILED: 'failed; it resumes when the agent restarts',
  FINISHING: 'is being closed',
  CLOSED: 'closed for good',
  LOST: 'lost',
} as const;

/** The lines about the direction and the way back of a reversible migration; none for others. */
export function wayBackLines({ usersOn, reversals = 0, wayBack }: ShownWayBack): (readonly [string, string])[] {
  if (wayBack === undefined || usersOn === undefined) return [];
  const { state, ready, lagSeconds, notReadyReasons, warnings, error } = wayBack;
  const facts = [
    SENTENCES[state],
    ...(lagSeconds === null ? [] : [`${lagSeconds} s behind`]),
    ...(ready ? ['ready to return'] : []),
    ...(wayBack.openSince === undefined ? [] : [`open since ${wayBack.openSince}`]),
  ];
  return [
    ['users', `on the ${usersOn.toLowerCase()}${reversals > 0 ? `, reversed ${reversals}x` : ''}`],
    ['way back', facts.join(', ')],
    ...notReadyReasons.map((reason) => ['not ready', reason] as const),
    ...warnings.map((warning) => ['warning', warning] as const),
    ...(error ? [['error', `${error.message} ${error.remedy} [${error.code}]`] as const] : []),
  ];
}

/** The text below the table of `migration reverse` and `migration finish`. */
export function wayBackText(answer: unknown): string {
  const { linkspan } = answer as { readonly linkspan: ShownWayBack };
  return `\n${wayBackLines(linkspan)
    .map(([label, text]) => `${wrapBeside(label, LABEL_COLUMNS, text, process.stdout)}\n`)
    .join('')}`;
}
