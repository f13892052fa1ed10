import { type AdministrationCommand, called, needed, paging, roles } from './command.ts';

const ORGANIZATION = ['id', 'name'];
const SETTINGS = ['apiAccessListRequired', 'maxServiceAccountSecretValidityInHours'];
const byName = { name: 'name', description: 'Beginning of the name', query: 'name' } as const;

export const organizationCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'List organizations',
    operation: 'listOrgs',
    flags: [byName, ...paging],
    columns: ORGANIZATION,
  },
  {
    name: 'create',
    summary: 'Create an organization with an API key or a service account that owns it',
    operation: 'createOrg',
    argument: 'name',
    flags: [
      needed(called),
      { name: 'apiKeyDescription', description: 'Description of the API key' },
      { ...roles, name: 'apiKeyRole', description: 'Roles of the API key, separated by commas; one is ORG_OWNER' },
      { name: 'serviceAccountName', description: 'Name of the service account' },
      { name: 'serviceAccountDescription', description: 'Description of the service account' },
      {
        ...roles,
        name: 'serviceAccountRole',
        description: 'Roles of the service account, separated by commas; one is ORG_OWNER',
      },
      {
        name: 'serviceAccountSecretExpiresAfterHours',
        description: 'Lifetime of the secret in hours, from 8 to 8760',
        kind: 'number',
      },
    ],
    body: (values) => ({
      name: values.name,
      apiKey: values.apiKeyDescription && { desc: values.apiKeyDescription, roles: values.apiKeyRole },
      serviceAccount: values.serviceAccountName && {
        name: values.serviceAccountName,
        description: values.serviceAccountDescription ?? '',
        roles: values.serviceAccountRole,
        secretExpiresAfterHours: values.serviceAccountSecretExpiresAfterHours,
      },
    }),
    columns: [
      'organization.id',
      'organization.name',
      'apiKey.publicKey',
      'apiKey.privateKey',
      'serviceAccount.clientId',
      'serviceAccount.secrets.secret',
    ],
  },
  {
    name: 'describe',
    summary: 'Show an organization',
    operation: 'getOrg',
    argument: 'orgId',
    columns: ORGANIZATION,
  },
  {
    name: 'update',
    summary: 'Rename an organization',
    operation: 'updateOrg',
    argument: 'orgId',
    flags: [needed(called)],
    body: ({ name }) => ({ name }),
    columns: ORGANIZATION,
  },
  {
    name: 'delete',
    summary: 'Delete an organization without projects, with its keys, accounts and links',
    operation: 'deleteOrg',
    argument: 'orgId',
    columns: [],
  },
  {
    name: 'settings describe',
    summary: 'Show the settings of an organization',
    operation: 'getOrgSettings',
    argument: 'orgId',
    columns: SETTINGS,
  },
  {
    name: 'settings update',
    summary: 'Change the settings of an organization',
    operation: 'updateOrgSettings',
    argument: 'orgId',
    flags: [
      needed({
        name: 'apiAccessListRequired',
        description: 'Reject keys and accounts without an access list',
        kind: 'choice',
      }),
    ],
    body: ({ apiAccessListRequired }) => ({ apiAccessListRequired: apiAccessListRequired === 'true' }),
    columns: SETTINGS,
  },
  {
    name: 'project list',
    summary: 'List the projects of an organization',
    operation: 'getOrgGroups',
    argument: 'orgId',
    flags: [byName, ...paging],
    columns: ['id', 'name', 'clusterCount'],
  },
];
