import { type AdministrationCommand, paging } from './command.ts';

const tokens = '/orgs/{orgId}/liveMigrations/linkTokens';

export const linkTokenCommands: readonly AdministrationCommand[] = [
  {
    name: 'create',
    summary: 'make a link-token for an agent',
    method: 'POST',
    path: tokens,
    flags: [
      { name: 'accessListIp', description: 'from where it may be redeemed, with commas', kind: 'list' },
      { name: 'migrationHost', description: 'the only host that may redeem it, also in place of one of that name' },
    ],
    body: ({ accessListIp, migrationHost }) => ({
      accessListIps: accessListIp ?? [],
      ...(migrationHost ? { migrationHost } : {}),
    }),
    columns: ['linkToken'],
  },
  { name: 'delete', summary: 'end all links and unused link-tokens', method: 'DELETE', path: tokens, columns: [] },
];

export const linkCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'list links to agents',
    method: 'GET',
    path: '/orgs/{orgId}/liveMigrations/links',
    flags: paging,
    columns: ['id', 'migrationHost', 'status', 'agentStatus', 'agentVersion', 'lastSeen'],
  },
  {
    name: 'approve',
    summary: 'let an agent take the place of another one with its host name',
    method: 'POST',
    path: '/orgs/{orgId}/liveMigrations/links/{linkId}/approve',
    argument: 'linkId',
    columns: [],
  },
  {
    name: 'revoke',
    summary: 'cut an agent off at once: its migrations fail',
    method: 'DELETE',
    path: '/orgs/{orgId}/liveMigrations/links/{linkId}',
    argument: 'linkId',
    columns: [],
  },
];

export const availableProjectCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'list the source projects and clusters that the linked agents can move',
    method: 'GET',
    path: '/orgs/{orgId}/liveMigrations/availableProjects',
    columns: ['projectId', 'name', 'migrationHosts', 'deployments.name', 'deployments.mongoDBVersion'],
  },
];
