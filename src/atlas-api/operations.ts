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
import type { TaggedOperation } from './operation.ts';
import { organizationOperations } from './organizations.ts';
import { serviceAccountOperations } from './service-accounts.ts';
import { systemStatusOperations } from './system-status.ts';
import { validationOperations } from './validations.ts';

/** Operations by their tags, which are Atlas's, so that generated clients have Atlas's groups. */
const GROUPS = {
  'Cloud Migration Service': [
    ...linkTokenOperations,
    ...availableProjectOperations,
    ...validationOperations,
    ...liveMigrationOperations,
    ...migrationExtensions,
    ...sampleOperations,
    ...listOperations,
    ...linkOperations,
  ],
  Organizations: organizationOperations,
  Projects: groupOperations,
  Clusters: clusterOperations,
  'Programmatic API Keys': apiKeyOperations,
  'Service Accounts': serviceAccountOperations,
  'Access Lists': accessListOperations,
  Events: eventOperations,
  Root: systemStatusOperations,
} as const;

/** All operations that Linkspan serves. */
export const operations: readonly TaggedOperation[] = Object.entries(GROUPS).flatMap(([tag, group]) =>
  group.map((operation) => ({ ...operation, tag })),
);
