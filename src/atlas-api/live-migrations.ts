import { z } from 'zod';
import { createMigration, getMigration, type Migration, requestCutover } from '../control/index.ts';
import { migrationRequestVersions } from './migration-request.ts';
import { defineOperation } from './operation.ts';
import { id } from './schemas.ts';

const liveMigrationResponse = z
  .object({
    _id: id,
    status: z.enum(['NEW', 'WORKING', 'FAILED', 'COMPLETE', 'EXPIRED']),
    migrationHosts: z.array(z.string()),
    readyForCutover: z.boolean(),
    lagTimeSeconds: z.int().nullable().meta({ description: 'Only while WORKING and before the cutover.' }),
    errorMessage: z
      .string()
      .optional()
      .meta({ description: 'Extension: why it FAILED, and what can be done.', 'x-linkspan-extension': true }),
  })
  .meta({ id: 'LiveMigrationResponse' });

export const liveMigrationOperations = [
  defineOperation({
    operationId: 'createGroupLiveMigration',
    summary: 'Start one live migration',
    method: 'POST',
    path: '/groups/{groupId}/liveMigrations',
    status: 201,
    versions: migrationRequestVersions,
    response: liveMigrationResponse,
    handle: async ({ control, actor, path, body }) =>
      show(await createMigration(control, actor, path('groupId'), body)),
  }),
  defineOperation({
    operationId: 'getGroupLiveMigration',
    summary: 'Return one live migration',
    method: 'GET',
    path: '/groups/{groupId}/liveMigrations/{liveMigrationId}',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: liveMigrationResponse,
    handle: async ({ control, actor, path }) =>
      show(await getMigration(control, actor, path('groupId'), path('liveMigrationId'))),
  }),
  defineOperation({
    operationId: 'cutoverGroupLiveMigration',
    summary: 'Cut one live migration over',
    method: 'PUT',
    path: '/groups/{groupId}/liveMigrations/{liveMigrationId}/cutover',
    status: 202,
    versions: [{ version: '2023-01-01' }],
    handle: async ({ control, actor, path }) => {
      await requestCutover(control, actor, path('groupId'), path('liveMigrationId'));
    },
  }),
];

function show({ id, host, state, progress }: Migration): z.output<typeof liveMigrationResponse> {
  const beforeCutover = state.status === 'WORKING' && state.wanted === 'running';
  return {
    _id: id,
    status: state.status,
    migrationHosts: [host],
    readyForCutover: beforeCutover && state.readyForCutover,
    lagTimeSeconds: beforeCutover ? (progress?.lagSeconds ?? null) : null,
    ...(state.errorMessage === null ? {} : { errorMessage: state.errorMessage }),
  };
}
