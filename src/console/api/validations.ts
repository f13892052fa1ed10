import { call } from './client.ts';
import type { MigrationRequest, Validation } from './types.ts';

const ASK_EVERY_MS = 1000;

/** Lets the agent check a migration, and waits for its findings. @param signal  ends the waiting @throws ApiProblem */
export async function validate(request: MigrationRequest, signal: AbortSignal): Promise<Validation> {
  const path = `/groups/${request.destination.groupId}/liveMigrations/validate`;
  let validation = await call<Validation>('POST', path, request);
  while (validation.status === 'PENDING' && !signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    validation = await call<Validation>('GET', `${path}/${validation._id}`);
  }
  return validation;
}
