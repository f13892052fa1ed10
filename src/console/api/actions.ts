import { send } from './client.ts';

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
  | 'reverse'
  | 'finish';

/** Sends a request about a migration. Repeating it is harmless. @throws ApiProblem a refusal, with its reason */
export async function act(path: string, action: Action, body?: object): Promise<void> {
  await send('PUT', `${path}/${action}`, body === undefined ? {} : { body });
}
