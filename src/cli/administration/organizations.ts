import { type AdministrationCommand, called, needed, paging, roles } from './command.ts';

const ORGANIZATION = ['id', 'name'];
const SETTINGS = ['apiAccessListRequired', 'maxServiceAccountSecretValidityInHours'];
const one = '/orgs/{orgId}';
const byName = { name: 'name', description: 'with what the name begins', query: 'name' } as const;

export const organizationCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'list organizations',
    method: 'GET',
    path: '/orgs',
    flags: [byName, ...paging],
    columns: ORGANIZATION,
  },
  {
    name: 'create',
    summary: 'make one, with the API key or the service account that owns it',
    method: 'POST',
    path: '/orgs',
    argument: 'name',
    flags: [
      needed(called),
      { name: 'apiKeyDescription', description: 'what the key is for' },
      { ...roles, name: 'apiKeyRole', description: 'roles of the key, with commas; one is ORG_OWNER' },
      { name: 'serviceAccountName', description: 'name of the account' },
      { name: 'serviceAccountDescription', description: 'what the account is for' },
      { ...roles, name: 'serviceAccountRole', description: 'roles of the account, with commas; one is ORG_OWNER' },
      { name: 'serviceAccountSecretExpiresAfterHours', description: '8 to 8760', kind: 'number' },
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
  { name: 'describe', summary: 'show one', method: 'GET', path: one, argument: 'orgId', columns: ORGANIZATION },
  {
    name: 'update',
    summary: 'rename one',
    method: 'PATCH',
    path: one,
    argument: 'orgId',
    flags: [needed(called)],
    body: ({ name }) => ({ name }),
    columns: ORGANIZATION,
  },
  {
    name: 'delete',
    summary: 'delete one without projects, with its keys, accounts and links',
    method: 'DELETE',
    path: one,
    argument: 'orgId',
    columns: [],
  },
  {
    name: 'settings describe',
    summary: 'show the settings of one',
    method: 'GET',
    path: `${one}/settings`,
    argument: 'orgId',
    columns: SETTINGS,
  },
  {
    name: 'settings update',
    summary: 'change the settings of one',
    method: 'PATCH',
    path: `${one}/settings`,
    argument: 'orgId',
    flags: [
      needed({
        name: 'apiAccessListRequired',
        description: 'turn away keys and accounts without an access list',
        kind: 'choice',
      }),
    ],
    body: ({ apiAccessListRequired }) => ({ apiAccessListRequired: apiAccessListRequired === 'true' }),
    columns: SETTINGS,
  },
  {
    name: 'project list',
    summary: 'list the projects of one',
    method: 'GET',
    path: `${one}/groups`,
    argument: 'orgId',
    flags: [byName, ...paging],
    columns: ['id', 'name', 'clusterCount'],
  },
];
