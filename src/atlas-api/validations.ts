import { z } from 'zod';
import { estimate, finding, listOf } from '../contract/index.ts';
import { getValidation, startValidation, type Validation } from '../control/index.ts';
import { migrationRequestVersions } from './migration-request.ts';
import { defineOperation } from './operation.ts';
import { id } from './schemas.ts';

const liveImportValidation = z
  .object({
    _id: id,
    groupId: id,
    sourceGroupId: id,
    status: z.enum(['PENDING', 'SUCCESS', 'FAILED']),
    errorMessage: z.string().nullable(),
    linkspan: z
      .object({
        findings: listOf(finding).meta({ description: 'All findings, including warnings.' }),
        estimate: estimate
          .optional()
          .meta({ description: 'What the migration would copy, and for how long. Absent if it is unknown.' }),
      })
      .meta({ id: 'LinkspanValidationDetail', 'x-linkspan-extension': true }),
  })
  .meta({ id: 'LiveImportValidation' });

export type ShownValidation = z.output<typeof liveImportValidation>;

export const validationOperations = [
  defineOperation({
    operationId: 'validateGroupLiveMigrations',
    summary: 'Check whether one live migration could succeed',
    status: 200,
    role: 'ORG_OWNER',
    versions: migrationRequestVersions,
    response: liveImportValidation,
    handle: async ({ control, actor, path, body }) =>
      show(await startValidation(control, actor, path('groupId'), body)),
  }),
  defineOperation({
    operationId: 'getGroupLiveMigrationValidateStatus',
    summary: 'Return one validation',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: liveImportValidation,
    handle: async ({ control, actor, path }) =>
      show(await getValidation(control, actor, path('groupId'), path('validationId'))),
  }),
];

function show({
  id,
  groupId,
  sourceGroupId,
  status,
  errorMessage,
  findings,
  estimate,
}: Validation): z.output<typeof liveImportValidation> {
  return {
    _id: id,
    groupId,
    sourceGroupId,
    status,
    errorMessage,
    linkspan: { findings, ...(estimate && { estimate }) },
  };
}
