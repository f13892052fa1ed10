import { cleanupErrors } from './engine/cleanup.ts';
import { clusterErrors } from './engine/clusters.ts';
import { ownershipErrors } from './engine/ownership.ts';
import { preflightErrors } from './engine/preflight.ts';
import { runErrors } from './engine/run.ts';
import { selectionErrors } from './engine/selection.ts';

/** Errors that stop a migration or prevent its start, and warnings about it. */
export const engineErrors = {
  ...clusterErrors,
  ...selectionErrors,
  ...preflightErrors,
  ...ownershipErrors,
  ...runErrors,
  ...cleanupErrors,
};
