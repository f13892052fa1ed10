import type { RoundLog } from './round-log.ts';

const CALL_DEADLINE_MS = 5_000;
/** Requests that are refused until the migration is ready. */
const REPEATED: readonly string[] = ['commit', 'rehearseCommit', 'reverse'];

interface Failback {
  readonly state: string;
  readonly error?: { readonly code: string };
}

/** The answer to a request. */
export interface Answer {
  readonly success: boolean;
  readonly error?: string;
  readonly errorDescription?: string;
  /** In the answer to `progress`; only what the campaign reads. */
  readonly progress?: { readonly linkspan: { readonly failback: Failback | null } | null };
}

export interface Call {
  readonly method?: 'GET' | 'POST';
  readonly body?: object;
  readonly deadlineMs?: number;
}

/** There was no answer: no process runs, it ended, or it took too long. */
const NO_ANSWER: Answer = { success: false, error: 'NoAnswer' };

/**
 * Sends a request to the API of a process, and logs the answer.
 * @param url  undefined while no process answers
 */
export async function callApi(
  url: string | undefined,
  name: string,
  { method = 'POST', body = {}, deadlineMs = CALL_DEADLINE_MS }: Call,
  log: RoundLog,
): Promise<Answer> {
  if (url === undefined) return NO_ANSWER;
  try {
    const response = await fetch(`${url}/${name}`, {
      method,
      ...(method === 'POST' && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(deadlineMs),
    });
    const answer = (await response.json()) as Answer;
    const isTold = method === 'POST' && (answer.success || !REPEATED.includes(name));
    if (isTold) log.say(`${name}: ${answer.success} ${answer.errorDescription ?? ''}`);
    return answer;
  } catch (error) {
    log.say(`${name}: ${error}`);
    return NO_ANSWER;
  }
}
