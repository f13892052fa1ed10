import { wrapBeside } from '../terminal/index.ts';

const LABEL_COLUMNS = 16;

/** The fields of a reversible migration in the API's answer. */
export interface ShownWayBack {
  readonly reversals?: number;
  readonly usersOn?: 'source' | 'destination';
  readonly wayBack?: {
    readonly state: 'planned' | 'preparing' | 'following' | 'failed' | 'finishing' | 'closed' | 'lost';
    readonly openSince?: string;
    readonly ready: boolean;
    readonly lagTimeSeconds: number | null;
    readonly notReadyReasons: readonly string[];
    readonly warnings: readonly string[];
    readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
  };
}

const SENTENCES = {
  planned: 'planned: the cutover opens it',
  preparing: 'preparing',
  following: 'follows every change',
  failed: 'failed; it resumes when the agent restarts',
  finishing: 'is being closed',
  closed: 'closed for good',
  lost: 'lost',
} as const;

/** The lines about the direction and the way back of a reversible migration; none for others. */
export function wayBackLines({ usersOn, reversals = 0, wayBack }: ShownWayBack): (readonly [string, string])[] {
  if (wayBack === undefined || usersOn === undefined) return [];
  const { state, ready, lagTimeSeconds, notReadyReasons, warnings, error } = wayBack;
  const facts = [
    SENTENCES[state],
    ...(lagTimeSeconds === null ? [] : [`${lagTimeSeconds} s behind`]),
    ...(ready ? ['ready to return'] : []),
    ...(wayBack.openSince === undefined ? [] : [`open since ${wayBack.openSince}`]),
  ];
  return [
    ['users', `on the ${usersOn}${reversals > 0 ? `, reversed ${reversals}x` : ''}`],
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
