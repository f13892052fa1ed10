import { z } from 'zod';
import { labels, loadLevel, loadWindows, note, shownCutoverReport } from '../contract/index.ts';
import {
  abortCutover,
  type Control,
  cancelMigration,
  confirmDrops,
  extendWindow,
  finishMigration,
  getCutoverReport,
  labelMigration,
  limitCopy,
  listMigrations,
  listMigrationsOf,
  type Migration,
  moveMigration,
  pauseMigration,
  rehearseCutover,
  resumeMigration,
  reverseMigration,
  setLoadLevel,
  setLoadWindows,
} from '../control/index.ts';
import { pageOfSome, readWindow } from '../http/index.ts';
import { liveMigrationResponse, showMigration } from './live-migrations.ts';
import { MIGRATION_FILTERS, readMigrationFilter } from './migration-filter.ts';
import { defineOperation, type OperationRequest } from './operation.ts';
import { page } from './schemas.ts';

const MS_PER_HOUR = 3_600_000;
/** 30 days. A user who needs longer extends the window again. */
const MAX_WINDOW_HOURS = 720;

const cancellation = z
  .strictObject({
    dropCopiedData: z.boolean().meta({ description: 'Also drop the copied data on the destination.' }),
  })
  .meta({ id: 'LinkspanCancellation' });

const loadLevelRequest = z
  .strictObject({
    loadLevel: loadLevel.meta({ description: '1 causes the least load, 4 is the fastest.' }),
  })
  .meta({ id: 'LinkspanLoadLevel' });

const copyRateRequest = z
  .strictObject({
    maxMegabytesPerSecond: z
      .number()
      .positive()
      .nullable()
      .meta({ description: "Rate limit of the initial sync from now on; null for only the agent's own limit." }),
  })
  .meta({ id: 'LinkspanCopyRate' });

const loadWindowsRequest = z.strictObject({ windows: loadWindows }).meta({ id: 'LinkspanLoadWindows' });

const labelsRequest = z.strictObject({ labels, note: note.optional() }).meta({ id: 'LinkspanLabels' });

const moveRequest = z
  .strictObject({
    migrationHost: z.string().min(1).max(255).meta({ description: 'A host of `linkspan.standbyHosts` that is READY.' }),
  })
  .meta({ id: 'LinkspanMove' });

const windowRequest = z
  .strictObject({
    hours: z
      .int()
      .min(1)
      .max(MAX_WINDOW_HOURS)
      .meta({ description: 'The window stays open for at least this many hours from now.' }),
  })
  .meta({ id: 'LinkspanCutoverWindow' });

/** Common parts of the extensions about one migration. */
const aboutOne = {
  extension: true,
  response: liveMigrationResponse,
} as const;

const placeOf = ({ path }: Pick<OperationRequest<unknown>, 'path'>) =>
  [path('groupId'), path('liveMigrationId')] as const;

const reportResponse = shownCutoverReport.meta({ id: 'LinkspanCutoverReport', 'x-linkspan-extension': true });

const migrationPage = page('LiveMigrationResponse', liveMigrationResponse);

/** Operations on live migrations that Atlas's API lacks, in Atlas's conventions. */
export const migrationExtensions = [
  defineOperation({
    operationId: 'getGroupLiveMigrationCutoverReport',
    summary: 'Return the report of one cutover',
    status: 200,
    extension: true,
    versions: [{ version: '2023-01-01' }],
    response: reportResponse,
    handle: async (request) => getCutoverReport(request.control, request.actor, ...placeOf(request)),
  }),
  defineOperation({
    operationId: 'listGroupLiveMigrations',
    summary: 'List the live migrations of one project, newest first',
    live: true,
    status: 200,
    extension: true,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount', ...MIGRATION_FILTERS],
    response: migrationPage,
    handle: async ({ control, actor, path, query, address }) => {
      const migrations = await listMigrations(control, actor, path('groupId'), readMigrationFilter(query));
      return await pageOfMigrations(control, migrations, query, address);
    },
  }),
  defineOperation({
    operationId: 'listOrgLiveMigrations',
    summary: 'List the live migrations of all projects that the API key can access, newest first',
    live: true,
    status: 200,
    extension: true,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount', ...MIGRATION_FILTERS],
    response: migrationPage,
    handle: async ({ control, actor, path, query, address }) => {
      const migrations = await listMigrationsOf(control, actor, path('orgId'), readMigrationFilter(query));
      return await pageOfMigrations(control, migrations, query, address);
    },
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'abortGroupLiveMigrationCutover',
    summary: 'Abort one cutover before its point of no return',
    status: 202,
    versions: [{ version: '2023-01-01' }],
    handle: async (request) =>
      showMigration(request.control, await abortCutover(request.control, request.actor, ...placeOf(request))),
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'rehearseGroupLiveMigrationCutover',
    summary: 'Rehearse one cutover',
    status: 202,
    versions: [{ version: '2023-01-01' }],
    handle: async (request) =>
      showMigration(request.control, await rehearseCutover(request.control, request.actor, ...placeOf(request))),
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'pauseGroupLiveMigration',
    summary: 'Pause one live migration',
    status: 202,
    versions: [{ version: '2023-01-01' }],
    handle: async (request) =>
      showMigration(request.control, await pauseMigration(request.control, request.actor, ...placeOf(request))),
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'resumeGroupLiveMigration',
    summary: 'Resume one paused live migration',
    status: 202,
    versions: [{ version: '2023-01-01' }],
    handle: async (request) =>
      showMigration(request.control, await resumeMigration(request.control, request.actor, ...placeOf(request))),
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'cancelGroupLiveMigration',
    summary: 'Cancel one live migration',
    status: 202,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: cancellation }],
    handle: async (request) => {
      const { control, actor, body } = request;
      return showMigration(control, await cancelMigration(control, actor, ...placeOf(request), body.dropCopiedData));
    },
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'setGroupLiveMigrationLoadLevel',
    summary: 'Limit the load of one live migration',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: loadLevelRequest }],
    handle: async (request) => {
      const { control, actor, body } = request;
      return showMigration(control, await setLoadLevel(control, actor, ...placeOf(request), body.loadLevel));
    },
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'limitGroupLiveMigrationCopy',
    summary: 'Limit the copy rate of one live migration',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: copyRateRequest }],
    handle: async (request) => {
      const { control, actor, body } = request;
      return showMigration(control, await limitCopy(control, actor, ...placeOf(request), body.maxMegabytesPerSecond));
    },
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'setGroupLiveMigrationLoadWindows',
    summary: 'Set the hours with a load of their own of one live migration',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: loadWindowsRequest }],
    handle: async (request) => {
      const { control, actor, body } = request;
      return showMigration(control, await setLoadWindows(control, actor, ...placeOf(request), body.windows));
    },
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'labelGroupLiveMigration',
    summary: 'Replace the labels and the note of one live migration',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: labelsRequest }],
    handle: async (request) => {
      const { control, actor, body } = request;
      return showMigration(control, await labelMigration(control, actor, placeOf(request), body));
    },
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'moveGroupLiveMigration',
    summary: 'Move one live migration to a host that stands by for it',
    status: 202,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: moveRequest }],
    handle: async (request) => {
      const { control, actor, body } = request;
      return showMigration(control, await moveMigration(control, actor, placeOf(request), body.migrationHost));
    },
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'confirmGroupLiveMigrationDrops',
    summary: 'Confirm the drops for which one live migration waits',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    handle: async (request) =>
      showMigration(request.control, await confirmDrops(request.control, request.actor, ...placeOf(request))),
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'extendGroupLiveMigrationCutoverWindow',
    summary: 'Extend the cutover window of one live migration',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: windowRequest }],
    handle: async (request) => {
      const { control, actor, body } = request;
      return showMigration(control, await extendWindow(control, actor, ...placeOf(request), body.hours * MS_PER_HOUR));
    },
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'reverseGroupLiveMigration',
    summary: 'Reverse one live migration that has cut over',
    status: 202,
    versions: [{ version: '2023-01-01' }],
    handle: async (request) =>
      showMigration(request.control, await reverseMigration(request.control, request.actor, ...placeOf(request))),
  }),
  defineOperation({
    ...aboutOne,
    operationId: 'finishGroupLiveMigration',
    summary: 'Close the failback of one live migration permanently',
    status: 202,
    versions: [{ version: '2023-01-01' }],
    handle: async (request) =>
      showMigration(request.control, await finishMigration(request.control, request.actor, ...placeOf(request))),
  }),
];

/** Shows only the migrations of the page that is asked for. */
async function pageOfMigrations(
  control: Control,
  migrations: readonly Migration[],
  query: URLSearchParams,
  address: string,
) {
  const { skip, limit } = readWindow(query);
  const asked = migrations.slice(skip, skip + limit);
  const results = await Promise.all(asked.map((migration) => showMigration(control, migration)));
  return pageOfSome({ results, total: migrations.length }, query, address);
}
