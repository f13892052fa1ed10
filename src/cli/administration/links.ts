import { type AdministrationCommand, paging } from './command.ts';

export const linkTokenCommands: readonly AdministrationCommand[] = [
  {
    name: 'create',
    summary: 'Create a link-token for an agent',
    operation: 'createOrgLiveMigrationLinkToken',
    flags: [
      { name: 'accessListIp', description: 'Addresses that may redeem the token, separated by commas', kind: 'list' },
      {
        name: 'migrationHost',
        description: 'The only host that may redeem the token; it replaces a linked host of that name',
      },
      {
        name: 'hosts',
        description: 'How many agents may redeem the token, each on its own host; they stand by for each other',
        kind: 'number',
      },
    ],
    body: ({ accessListIp, migrationHost, hosts }) => ({
      accessListIps: accessListIp ?? [],
      ...(migrationHost ? { migrationHost } : {}),
      ...(hosts === undefined ? {} : { linkspan: { hosts } }),
    }),
    columns: ['linkToken'],
  },
  {
    name: 'delete',
    summary: 'Delete all links and unused link-tokens',
    operation: 'deleteOrgLiveMigrationLinkTokens',
    columns: [],
  },
];

export const linkCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'List links to agents',
    operation: 'listOrgLiveMigrationLinks',
    flags: paging,
    columns: ['id', 'migrationHost', 'status', 'agentStatus', 'leads', 'standsBy', 'agentVersion', 'lastSeen'],
  },
  {
    name: 'approve',
    summary: 'Approve an agent that replaces another agent of the same host name',
    operation: 'approveOrgLiveMigrationLink',
    argument: 'linkId',
    columns: [],
  },
  {
    name: 'revoke',
    summary: "Revoke a link at once: the agent's migrations fail",
    operation: 'revokeOrgLiveMigrationLink',
    argument: 'linkId',
    columns: [],
  },
];

export const availableProjectCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'List source projects and clusters that linked agents can migrate',
    operation: 'listOrgLiveMigrationAvailableProjects',
    columns: ['projectId', 'name', 'migrationHosts', 'deployments.name', 'deployments.mongoDBVersion'],
  },
];
