import { z } from 'zod';
import { errorText, migrationStatus } from '../contract/index.ts';
import {
  type Control,
  createMigration,
  getMigration,
  grantsInGroup,
  type Migration,
  requestCutover,
  viewMigration,
} from '../control/index.ts';
import { migrationDetail, showDetail } from './migration-detail.ts';
import { migrationRequestVersions } from './migration-request.ts';
import { defineOperation } from './operation.ts';
import { id } from './schemas.ts';

export const liveMigrationResponse = z
  .object({
    _id: id,
    status: migrationStatus,
    migrationHosts: z.array(z.string()),
    readyForCutover: z.boolean().optional().meta({ description: 'Present only while WORKING.' }),
    lagTimeSeconds: z
      .int()
      .nullable()
      .optional()
      .meta({ description: 'Present only while WORKING and before the cutover.' }),
    errorMessage: z.string().optional().meta({
      description:
        'Extension: why the migration FAILED, lost its failback or could not finish its cutover, and how to fix it.',
      'x-linkspan-extension': true,
    }),
    linkspan: migrationDetail,
  })
  .meta({ id: 'LiveMigrationResponse' });

export type LiveMigration = z.output<typeof liveMigrationResponse>;

export const liveMigrationOperations = [
  defineOperation({
    operationId: 'createGroupLiveMigration',
    summary: 'Start one live migration',
    status: 201,
    role: 'ORG_OWNER',
    versions: migrationRequestVersions,
    takesIdempotencyKey: true,
    response: liveMigrationResponse,
    handle: async ({ control, actor, path, body, idempotencyKey }) =>
      showMigration(control, await createMigration(control, actor, path('groupId'), body, idempotencyKey)),
  }),
  defineOperation({
    operationId: 'getGroupLiveMigration',
    summary: 'Return one live migration',
    live: true,
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: liveMigrationResponse,
    handle: async ({ control, actor, path }) => {
      const migration = await getMigration(control, actor, path('groupId'), path('liveMigrationId'));
      const shown = await showMigration(control, migration);
      return grantsInGroup(actor, migration.groupId, 'GROUP_READ_ONLY') ? shown : withoutKeys(shown);
    },
  }),
  defineOperation({
    operationId: 'cutoverGroupLiveMigration',
    summary: 'Cut over one live migration',
    status: 202,
    versions: [{ version: '2023-01-01' }],
    handle: async ({ control, actor, path }) => {
      await requestCutover(control, actor, path('groupId'), path('liveMigrationId'));
    },
  }),
];

/** Leaves out the keys of documents, for a member of the organization who has no role in the project. */
function withoutKeys(migration: LiveMigration): LiveMigration {
  const { progress, ...linkspan } = migration.linkspan;
  if (progress === null) return migration;
  const mismatches = { ...progress.verification.mismatches, latest: [] };
  // rule: keys-for-readers
  const shown = { ...progress, verification: { ...progress.verification, mismatches } };
  return { ...migration, linkspan: { ...linkspan, progress: shown } };
}

/** A migration in Atlas's form, with Linkspan's additions in `linkspan`. */
export async function showMigration(
  control: Control,
  migration: Migration,
): Promise<z.output<typeof liveMigrationResponse>> {
  const view = await viewMigration(control, migration);
  const destination = await control.store.get('clusters', migration.destinationClusterId);
  const { id, host, state, progress, contact } = view;
  const isWorking = state.status === 'WORKING';
  const isCurrent = contact === null || contact.status === 'CONNECTED';
  const beforeCutover = isWorking && state.order.wanted !== 'CUTOVER';
  return {
    _id: id,
    status: state.status,
    migrationHosts: [host],
    ...(isWorking ? { readyForCutover: view.isReady } : {}),
    ...(beforeCutover ? { lagTimeSeconds: isCurrent ? (progress?.lagSeconds ?? null) : null } : {}),
    ...(state.error && { errorMessage: errorText(state.error) }),
    linkspan: showDetail(view, destination?.name ?? ''),
  };
}
