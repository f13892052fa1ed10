import { availableProjectOperations } from './available-projects.ts';
import { clusterOperations } from './clusters.ts';
import { groupOperations } from './groups.ts';
import { linkTokenOperations } from './link-tokens.ts';
import { linkOperations } from './links.ts';
import { liveMigrationOperations } from './live-migrations.ts';
import { migrationExtensions } from './migration-extensions.ts';
import type { AnyOperation } from './operation.ts';
import { organizationOperations } from './organizations.ts';
import { validationOperations } from './validations.ts';

/** All operations that Linkspan serves. */
export const operations: readonly AnyOperation[] = [
  ...linkTokenOperations,
  ...availableProjectOperations,
  ...validationOperations,
  ...liveMigrationOperations,
  ...migrationExtensions,
  ...linkOperations,
  ...organizationOperations,
  ...groupOperations,
  ...clusterOperations,
];
