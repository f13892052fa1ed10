import { type MongoClient, MongoServerError } from 'mongodb';
import { catalogSteps, collectionOf } from './catalog-steps.ts';
import { documentSteps } from './document-steps.ts';
import type { CATALOG_KINDS, Operation, Step } from './operation.ts';

/**
 * Carries an operation out on the source.
 * @returns whether the server accepted it; a random operation may well contradict the state it meets
 * @throws what is not the server's refusal
 */
export async function runOperation(client: MongoClient, operation: Operation): Promise<boolean> {
  try {
    if (operation.kind !== 'transaction') await runStep(client, operation);
    else await runTransaction(client, operation.steps);
    return true;
  } catch (error) {
    if (error instanceof MongoServerError) return false;
    throw error;
  }
}

async function runStep(client: MongoClient, step: Step): Promise<void> {
  const { kind } = step;
  if (isCatalogKind(kind)) await catalogSteps[kind](client, step);
  else await documentSteps[kind](collectionOf(client, step.on), step);
}

async function runTransaction(client: MongoClient, steps: readonly Step[]): Promise<void> {
  await using session = client.startSession();
  session.startTransaction();
  for (const step of steps) {
    if (!isCatalogKind(step.kind)) await documentSteps[step.kind](collectionOf(client, step.on), step, session);
  }
  await session.commitTransaction();
}

function isCatalogKind(kind: Step['kind']): kind is (typeof CATALOG_KINDS)[number] {
  return kind in catalogSteps;
}
