import { z } from 'zod';
import { availableProjects } from '../control/index.ts';
import { defineOperation } from './operation.ts';
import { id } from './schemas.ts';

const availableClustersDeployment = z
  .object({
    name: z.string(),
    managed: z.boolean(),
    clusterId: id.optional(),
    sharded: z.boolean(),
    shardsSize: z.int().optional(),
    tlsEnabled: z.boolean(),
    mongoDBVersion: z.string(),
    featureCompatibilityVersion: z.string(),
    agentVersion: z.string().optional(),
    dbSizeBytes: z.int().optional(),
    oplogSizeMB: z.int().optional(),
  })
  .meta({ id: 'AvailableClustersDeployment' });

const liveImportAvailableProject = z
  .object({
    projectId: id,
    name: z.string(),
    migrationHosts: z.array(z.string()),
    deployments: z.array(availableClustersDeployment),
  })
  .meta({ id: 'LiveImportAvailableProject' });

export type SourceProject = z.output<typeof liveImportAvailableProject>;

export const availableProjectOperations = [
  defineOperation({
    operationId: 'listOrgLiveMigrationAvailableProjects',
    summary: 'List the source projects that the linked agents can migrate',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: z.array(liveImportAvailableProject),
    handle: ({ control, actor, path }) => availableProjects(control, actor, path('orgId')),
  }),
];
