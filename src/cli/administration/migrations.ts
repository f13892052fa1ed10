import { type Finding, inWords, type OperationId } from '../../contract/index.ts';
import { findingsText } from '../command-line/findings.ts';
import { awaitCutoverRequest } from './await-cutover-request.ts';
import { type AdministrationCommand, type Column, type Flag, force, needed, paging } from './command.ts';
import { cutoverReportText } from './cutover-report-text.ts';
import { failbackText } from './failback-text.ts';
import { historyText } from './history-text.ts';
import { filters, label, labelsOf, note } from './labels.ts';
import { loadWindowsBody } from './load-windows.ts';
import {
  agentColumn,
  createdColumn,
  cutoverWarnings,
  destinationColumn,
  labelsColumn,
  lagColumn,
  migrationText,
  shortErrorColumn,
  sourceColumn,
  stageColumn,
  waitingColumn,
} from './migration-text.ts';
import { reportedText } from './reported-text.ts';
import { MOMENTS, waitForMigration, waitForValidation } from './wait-for.ts';
import { watchMigration } from './watch-migration.ts';

const STATE = [
  'status',
  stageColumn,
  'readyForCutover',
  lagColumn,
  agentColumn,
  waitingColumn,
  createdColumn,
  shortErrorColumn,
];
const MIGRATION = ['_id', ...STATE];
const LISTED = ['_id', sourceColumn, destinationColumn, ...STATE, labelsColumn];
/** A column of a field that has a value of an enumeration. */
const inWordsColumn = (title: string): Column => ({
  title,
  of: (record) => inWords((record as Readonly<Record<string, string>>)[title] ?? ''),
});
const VALIDATION = ['_id', 'status', 'errorMessage'];
const argument = 'liveMigrationId';

/** The flags of the Atlas CLI's `liveMigrations create`. */
const order: readonly Flag[] = [
  needed({ name: 'clusterName', description: 'Name of the destination cluster' }),
  needed({ name: 'migrationHost', description: 'Host name of the agent' }),
  needed({ name: 'sourceClusterName', description: 'Name of the source cluster' }),
  needed({ name: 'sourceProjectId', description: 'Id of the source project' }),
  {
    name: 'sourceManagedAuthentication',
    description: "Use the agent's own credentials; the default without --sourceUsername",
    kind: 'boolean',
  },
  { name: 'sourceUsername', short: 'u', description: "User on the source, instead of the agent's own credentials" },
  { name: 'sourcePassword', short: 'p', description: 'Password of that user; - reads it from stdin' },
  { name: 'sourceSsl', description: 'Connect to the source with TLS', kind: 'boolean' },
  { name: 'sourceCACertificatePath', description: "CA file of the source, on the agent's machine; implies TLS" },
  { name: 'drop', description: 'Drop the databases of the destination first', kind: 'boolean' },
  { name: 'reversible', description: 'Keep a failback to the source after the cutover', kind: 'boolean' },
  { name: 'usersAndRoles', description: 'Bring users and custom roles over, too, at the cutover', kind: 'boolean' },
  {
    name: 'digestsBy',
    description: 'Host name of a digest helper beside the destination: only ranges whose digests differ are read',
  },
  force,
];

/** The flags of a migration that a validation has not. */
const ofMigration: readonly Flag[] = [
  label,
  note,
  {
    name: 'idempotencyKey',
    description: 'A key of your own: repeating the command with it creates no second migration',
    header: 'idempotency-key',
  },
];

const inNamespace: Flag = {
  name: 'namespace',
  description: 'Only items whose namespace contains this text, in any case',
  query: 'namespace',
};

const timeout: Flag = { name: 'timeout', description: 'Seconds to wait at most', kind: 'number', byDefault: 86_400 };

const orderBody: AdministrationCommand['body'] = ({ reversible, usersAndRoles, digestsBy, ...values }) => ({
  source: {
    clusterName: values.sourceClusterName,
    groupId: values.sourceProjectId,
    managedAuthentication: values.sourceManagedAuthentication ?? values.sourceUsername === undefined,
    username: values.sourceUsername,
    password: values.sourcePassword,
    ssl: values.sourceSsl ?? values.sourceCACertificatePath !== undefined,
    caCertificatePath: values.sourceCACertificatePath,
  },
  destination: { clusterName: values.clusterName, groupId: values.projectId, hostnameSchemaType: 'PUBLIC' },
  migrationHosts: [values.migrationHost],
  dropDestinationData: values.drop ?? false,
  linkspan: { reversible, usersAndRoles, digestsBy, labels: labelsOf(values), note: values.note },
});

export const validationCommands: readonly AdministrationCommand[] = [
  {
    name: 'create',
    summary: 'Check whether a migration can succeed',
    operation: 'validateGroupLiveMigrations',
    flags: order,
    body: orderBody,
    columns: VALIDATION,
  },
  {
    name: 'describe',
    summary: 'Show a validation',
    operation: 'getGroupLiveMigrationValidateStatus',
    argument: 'validationId',
    columns: VALIDATION,
    more: (answer) =>
      findingsText((answer as { readonly linkspan: { readonly findings: readonly Finding[] } }).linkspan.findings),
  },
  {
    name: 'wait',
    summary: 'Wait until a validation has ended',
    operation: 'getGroupLiveMigrationValidateStatus',
    argument: 'validationId',
    flags: [timeout],
    after: waitForValidation,
    columns: VALIDATION,
  },
];

/** The text of `migration cutover`: the report of a cutover that it waited for. */
function cutoverText(answer: unknown): string {
  const { cutoverReport } = answer as { readonly cutoverReport?: unknown };
  return cutoverReport === undefined ? migrationText(answer) : cutoverReportText(cutoverReport);
}

/** A command that steers one migration. */
const steer = (
  name: string,
  summary: string,
  operation: OperationId,
  more: Partial<AdministrationCommand> = {},
): AdministrationCommand => ({
  name,
  summary,
  operation,
  argument,
  columns: MIGRATION,
  ...more,
});

/** The migrations of every project that the account sees. */
export const organizationMigrations: AdministrationCommand = {
  name: 'migration list',
  summary: 'List the live migrations of all projects, the newest first',
  operation: 'listOrgLiveMigrations',
  argument: 'orgId',
  flags: [...paging, ...filters],
  columns: ['linkspan.destination.groupId', ...LISTED],
};

export const migrationCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'List live migrations, the newest first',
    operation: 'listGroupLiveMigrations',
    flags: [...paging, ...filters],
    columns: LISTED,
  },
  {
    name: 'create',
    summary: 'Start a live migration',
    operation: 'createGroupLiveMigration',
    flags: [...order, ...ofMigration],
    body: orderBody,
    columns: MIGRATION,
  },
  {
    name: 'describe',
    summary: 'Show a live migration and its progress',
    operation: 'getGroupLiveMigration',
    argument,
    columns: ['_id', 'status', 'readyForCutover', lagColumn, 'errorMessage'],
    more: migrationText,
    watch: watchMigration,
  },
  {
    name: 'wait',
    summary: 'Wait until a live migration is ready for a cutover, or complete',
    operation: 'getGroupLiveMigration',
    argument,
    flags: [needed({ name: 'until', description: '`ready` or `complete`', kind: 'choice', choices: MOMENTS }), timeout],
    after: waitForMigration,
    columns: MIGRATION,
  },
  steer('cutover', 'Cut over a live migration', 'cutoverGroupLiveMigration', {
    before: { operation: 'getGroupLiveMigration', warnings: cutoverWarnings },
    flags: [
      {
        name: 'dry-run',
        description: 'Rehearse it: stop writes for at most 200 ms, and leave the source open',
        kind: 'boolean',
      },
      { name: 'abort', description: 'Abort it, before its point of no return', kind: 'boolean' },
      { name: 'wait', description: 'Wait until it is complete, and print its report', kind: 'boolean' },
      timeout,
    ],
    others: { abort: 'abortGroupLiveMigrationCutover', dryRun: 'rehearseGroupLiveMigrationCutover' },
    record: 'getGroupLiveMigration',
    after: awaitCutoverRequest,
    more: cutoverText,
    done: ({ liveMigrationId: id }) =>
      `The cutover of migration ${id} is requested. It begins as soon as the agent has the request.\nFollow it with: linkspan migration describe ${id} --watch\n`,
  }),
  {
    name: 'report',
    summary: 'Show the report of a cutover',
    operation: 'getGroupLiveMigrationCutoverReport',
    argument,
    columns: ['migrationId', 'isComplete', 'startedAt', 'endedAt', 'pause.milliseconds', 'verification.result'],
    more: cutoverReportText,
  },
  {
    name: 'history',
    summary: 'Show the history of a live migration',
    operation: 'getGroupLiveMigrationSamples',
    argument,
    flags: [
      {
        name: 'span',
        description: '`second`: the last hour (default); `minute`: the last 30 days',
        query: 'span',
        isEnumerated: true,
      },
      { name: 'since', description: 'Only samples after this time, such as 2026-11-01T12:00:00Z', query: 'since' },
    ],
    columns: ['spanSeconds'],
    more: historyText,
  },
  {
    name: 'collections',
    summary: 'List the collections of a live migration, largest first',
    operation: 'listGroupLiveMigrationCollections',
    argument,
    flags: [...paging, inNamespace],
    columns: [
      'namespace',
      inWordsColumn('state'),
      'documentsCopied',
      'documentsTotal',
      'bytesCopied',
      'bytesTotal',
      'bytesPerSecond',
      'reason',
    ],
    more: reportedText,
  },
  {
    name: 'mismatches',
    summary: 'List the documents that differed in a live migration, oldest first',
    operation: 'listGroupLiveMigrationMismatches',
    argument,
    flags: [...paging, inNamespace],
    columns: ['namespace', 'key', inWordsColumn('class'), 'path', 'firstSeen', 'times', 'open'],
    more: reportedText,
  },
  steer('pause', 'Pause a live migration', 'pauseGroupLiveMigration'),
  steer('resume', 'Resume a paused live migration', 'resumeGroupLiveMigration'),
  steer('cancel', 'Cancel a live migration', 'cancelGroupLiveMigration', {
    flags: [{ name: 'drop', description: 'Also drop the copied data', kind: 'boolean' }],
    body: ({ drop }) => ({ dropCopiedData: drop ?? false }),
  }),
  steer('set-load-level', 'Set the load level', 'setGroupLiveMigrationLoadLevel', {
    second: 'loadLevel',
    flags: [
      needed({ name: 'loadLevel', description: 'Load level from 1 (lowest load) to 4 (fastest copy)', kind: 'number' }),
    ],
    body: ({ loadLevel }) => ({ loadLevel }),
  }),
  steer('limit-copy', 'Limit the copy rate', 'limitGroupLiveMigrationCopy', {
    second: 'maxMegabytesPerSecond',
    flags: [
      {
        name: 'maxMegabytesPerSecond',
        description: "Limit of the initial sync; without this flag only the agent's limit applies",
        kind: 'number',
      },
    ],
    body: ({ maxMegabytesPerSecond = null }) => ({ maxMegabytesPerSecond }),
  }),
  steer(
    'set-windows',
    'Set hours of the week with a load level or copy rate of their own',
    'setGroupLiveMigrationLoadWindows',
    {
      flags: [
        {
          name: 'window',
          description: '`MON,TUE 22:00-06:00 Europe/Berlin level=4 rate=50`; several times for several, never for none',
          kind: 'texts',
        },
      ],
      body: ({ window = [] }) => loadWindowsBody(window as string[]),
    },
  ),
  steer('set-labels', 'Replace the labels, and the note if one is given', 'labelGroupLiveMigration', {
    flags: [label, note],
    body: (values) => ({ labels: labelsOf(values) ?? {}, note: values.note }),
  }),
  steer('move', 'Move a migration to a host that stands by for it', 'moveGroupLiveMigration', {
    flags: [needed({ name: 'host', description: 'A host that `describe` shows as a READY standby' })],
    body: ({ host }) => ({ migrationHost: host }),
  }),
  steer('reverse', 'Reverse a migration that has cut over', 'reverseGroupLiveMigration', { more: failbackText }),
  steer('finish', 'Close the failback of a migration permanently', 'finishGroupLiveMigration', { more: failbackText }),
  steer(
    'confirm-drops',
    'Confirm the drops that a migration waits for, and later ones',
    'confirmGroupLiveMigrationDrops',
  ),
  steer('extend-window', 'Extend the cutover window', 'extendGroupLiveMigrationCutoverWindow', {
    flags: [needed({ name: 'hours', description: 'Hours from now, up to 720', kind: 'number' })],
    body: ({ hours }) => ({ hours }),
  }),
];
