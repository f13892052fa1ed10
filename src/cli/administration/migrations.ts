import type { Finding } from '../../engine/index.ts';
import { findingsText } from '../command-line/findings.ts';
import { type AdministrationCommand, type Flag, force, needed, paging } from './command.ts';
import {
  agentColumn,
  cutoverWarnings,
  lagColumn,
  migrationText,
  phaseColumn,
  shortErrorColumn,
  waitingColumn,
} from './migration-text.ts';
import { watchMigration } from './watch-migration.ts';

const MIGRATION = [
  '_id',
  'status',
  phaseColumn,
  'readyForCutover',
  lagColumn,
  agentColumn,
  waitingColumn,
  shortErrorColumn,
];
const VALIDATION = ['_id', 'status', 'errorMessage'];
const all = '/groups/{projectId}/liveMigrations';
const one = `${all}/{liveMigrationId}`;
const argument = 'liveMigrationId';

/** The flags of the Atlas CLI's `liveMigrations create`. */
const order: readonly Flag[] = [
  needed({ name: 'clusterName', description: 'destination' }),
  needed({ name: 'migrationHost', description: 'host of the agent' }),
  needed({ name: 'sourceClusterName', description: 'source' }),
  needed({ name: 'sourceProjectId', description: 'project of the source' }),
  {
    name: 'sourceManagedAuthentication',
    description: "use the agent's own credentials; the default without a user",
    kind: 'boolean',
  },
  { name: 'sourceUsername', short: 'u', description: "instead of the agent's own credentials" },
  { name: 'sourcePassword', short: 'p', description: 'of that user; - reads it from stdin' },
  { name: 'sourceSsl', description: 'whether the source has TLS', kind: 'boolean' },
  { name: 'sourceCACertificatePath', description: "the source's CA, on the agent's machine; goes with TLS" },
  { name: 'drop', description: 'drop what the destination has', kind: 'boolean' },
  force,
];

const orderBody: AdministrationCommand['body'] = (values) => ({
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
});

export const validationCommands: readonly AdministrationCommand[] = [
  {
    name: 'create',
    summary: 'check whether a migration could succeed',
    method: 'POST',
    path: `${all}/validate`,
    flags: order,
    body: orderBody,
    columns: VALIDATION,
  },
  {
    name: 'describe',
    summary: 'show one',
    method: 'GET',
    path: `${all}/validate/{validationId}`,
    argument: 'validationId',
    columns: VALIDATION,
    more: (answer) =>
      findingsText((answer as { readonly linkspan: { readonly findings: readonly Finding[] } }).linkspan.findings),
  },
];

/** A command that tells one migration what is wanted of it. */
const wish = (
  name: string,
  summary: string,
  path: string,
  more: Pick<AdministrationCommand, 'flags' | 'body' | 'before' | 'second'> = {},
): AdministrationCommand => ({
  name,
  summary,
  method: 'PUT',
  path: `${one}/${path}`,
  argument,
  columns: MIGRATION,
  ...more,
});

export const migrationCommands: readonly AdministrationCommand[] = [
  { name: 'list', summary: 'list live migrations', method: 'GET', path: all, flags: paging, columns: MIGRATION },
  {
    name: 'create',
    summary: 'start one',
    method: 'POST',
    path: all,
    flags: order,
    body: orderBody,
    columns: MIGRATION,
  },
  {
    name: 'describe',
    summary: 'show one',
    method: 'GET',
    path: one,
    argument,
    columns: ['_id', 'status', 'readyForCutover', lagColumn, 'errorMessage'],
    more: migrationText,
    watch: watchMigration,
  },
  wish('cutover', 'cut one over', 'cutover', { before: { path: one, warnings: cutoverWarnings } }),
  wish('pause', 'pause one', 'pause'),
  wish('resume', 'let a paused one go on', 'resume'),
  wish('cancel', 'give one up', 'cancel', {
    flags: [{ name: 'drop', description: 'also drop what was copied', kind: 'boolean' }],
    body: ({ drop }) => ({ dropCopiedData: drop ?? false }),
  }),
  wish('set-load-level', 'set how hard one may work', 'loadLevel', {
    second: 'loadLevel',
    flags: [needed({ name: 'loadLevel', description: '1 is the gentlest, 4 the fastest', kind: 'number' })],
    body: ({ loadLevel }) => ({ loadLevel }),
  }),
  wish('limit-copy', 'limit the initial copy of one', 'copyRate', {
    second: 'maxMegabytesPerSecond',
    flags: [
      {
        name: 'maxMegabytesPerSecond',
        description: "without it there is no limit but the agent's",
        kind: 'number',
      },
    ],
    body: ({ maxMegabytesPerSecond = null }) => ({ maxMegabytesPerSecond }),
  }),
  wish('confirm-drops', 'confirm the drops for which one waits, and all to come', 'confirmDrops'),
  wish('extend-window', 'keep the cutover window of one open', 'cutoverWindow', {
    flags: [needed({ name: 'hours', description: 'from now on, up to 720', kind: 'number' })],
    body: ({ hours }) => ({ hours }),
  }),
];
