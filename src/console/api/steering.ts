import { send } from './client.ts';
import { mayAct } from './session.ts';
import type { CutoverReport } from './types.ts';

/** The requests of an operator about a migration; each is an operation of the API. */
export type Action =
  | 'cutover'
  | 'abortCutover'
  | 'rehearseCutover'
  | 'pause'
  | 'resume'
  | 'cancel'
  | 'loadLevel'
  | 'copyRate'
  | 'confirmDrops'
  | 'cutoverWindow'
  | 'move'
  | 'reverse'
  | 'finish';

/** The actions that a reader may request of a migration, and the requests to its server. */
export interface Steering {
  /**
   * Whether the reader may request it, and the server knows it. The server decides; this only hides actions that it would
   * refuse.
   */
  readonly can: (action: Action) => boolean;
  /** Sends a request. Repeating it is harmless. @throws ApiProblem a refusal, with its reason */
  readonly act: (action: Action, body?: object) => Promise<void>;
  /** Reads the report of the cutover. @throws ApiProblem before its point of no return */
  readonly readReport: (signal: AbortSignal) => Promise<CutoverReport>;
}

/** Steers a migration of the control plane. @param path  of the migration in the API */
export function steeringOf(path: string): Steering {
  return {
    can: mayAct,
    act: (action, body) => send('PUT', `${path}/${action}`, body === undefined ? {} : { body }),
    readReport: (signal) => send<CutoverReport>('GET', `${path}/cutoverReport`, { signal }),
  };
}
