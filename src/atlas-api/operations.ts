import { accessListOperations } from './access-lists.ts';
import { apiKeyOperations } from './api-keys.ts';
import { availableProjectOperations } from './available-projects.ts';
import { clusterOperations } from './clusters.ts';
import { eventOperations } from './events.ts';
import { groupOperations } from './groups.ts';
import { linkTokenOperations } from './link-tokens.ts';
import { linkOperations } from './links.ts';
import { liveMigrationOperations } from './live-migrations.ts';
import { migrationExtensions } from './migration-extensions.ts';
import { listOperations } from './migration-lists.ts';
import { sampleOperations } from './migration-samples.ts';
import type { AnyOperation } from './operation.ts';
import { organizationOperations } from './organizations.ts';
import { serviceAccountOperations } from './service-accounts.ts';
import { systemStatusOperations } from './system-status.ts';
import { validationOperations } from './validations.ts';

/** All operations that Linkspan serves. */
export const operations: readonly AnyOperation[] = [
  ...linkTokenOperations,
  ...availableProjectOperations,
  ...validationOperations,
  ...liveMigrationOperations,
  ...migrationExtensions,
  ...sampleOperations,
  ...listOperations,
  ...linkOperations,
  ...organizationOperations,
  ...groupOperations,
  ...clusterOperations,
  ...apiKeyOperations,
  ...serviceAccountOperations,
  ...accessListOperations,
  ...eventOperations,
  ...systemStatusOperations,
];
