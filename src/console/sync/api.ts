import { computed, signal } from '@preact/signals';
import type { ShownProgress, ShownSettings } from '../../sync/index.ts';
import { ApiProblem, CONSOLE_HEADERS } from '../api/client.ts';
import { noteServerTime } from '../api/clock.ts';
import type { Action, Steering } from '../api/steering.ts';
import type { CutoverReport } from '../api/types.ts';

export const API = '/api/v1';

/** The API token that the reader typed. Only this page has it, until it is closed: no storage keeps it. */
const token = signal('');
/** The last answer of the process about itself; undefined before the first answer. */
const settings = signal<ShownSettings | undefined>(undefined);

/** Whether the reader may change anything: the process has no token, or the reader has typed it. */
export const mayChange = computed(() => settings.value?.mayChange ?? false);

/**
 * Calls the API of `linkspan sync`.
 * @throws ApiProblem a refusal, in the words of the process
 * @throws TypeError if the process does not answer
 */
async function call<Answer>(
  method: 'GET' | 'POST',
  name: string,
  body?: object,
  signal?: AbortSignal,
): Promise<Answer> {
  const answer = await fetch(`${API}/${name}`, {
    method,
    cache: 'no-store',
    redirect: 'error',
    headers: { ...CONSOLE_HEADERS, ...(token.value && { authorization: `Bearer ${token.value}` }) },
    ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
    ...(signal && { signal }),
  });
  noteServerTime(answer);
  const json = await answer.json();
  if (!answer.ok) throw new ApiProblem(answer.status, json.error, json.errorDescription);
  return json;
}

/** The settings of the process and the progress of its migration, which the page shows. */
export interface SyncState {
  readonly settings: ShownSettings;
  readonly progress: ShownProgress;
}

/** Reads both. @throws as {@link call} */
export async function readState(signal: AbortSignal): Promise<SyncState> {
  const [own, { progress }] = await Promise.all([
    call<ShownSettings>('GET', 'settings', undefined, signal),
    call<{ progress: ShownProgress }>('GET', 'progress', undefined, signal),
  ]);
  settings.value = own;
  return { settings: own, progress };
}

/** Takes the token if the process accepts it. @returns whether it does @throws as {@link call} */
export async function unlock(typed: string): Promise<boolean> {
  token.value = typed;
  settings.value = await call<ShownSettings>('GET', 'settings');
  if (!mayChange.value) token.value = '';
  return mayChange.value;
}

/** Starts or resumes a migration. @throws ApiProblem with everything that the check found */
export async function start(body: object): Promise<void> {
  await call('POST', 'start', body);
}

/** The calls of this API. It neither cancels a migration nor has a cutover window. */
const CALLS: Partial<Readonly<Record<Action, string>>> = {
  pause: 'pause',
  resume: 'resume',
  cutover: 'commit',
  abortCutover: 'abortCommit',
  rehearseCutover: 'rehearseCommit',
  confirmDrops: 'confirmDrops',
  reverse: 'reverse',
  finish: 'finish',
  loadLevel: 'load',
  copyRate: 'load',
};

/** Steers the migration of the process. */
export const steering: Steering = {
  can: (action) => mayChange.value && action in CALLS,
  act: (action, body) => call('POST', CALLS[action] ?? action, body),
  readReport: (signal) => call<CutoverReport>('GET', 'cutoverReport', undefined, signal),
};
