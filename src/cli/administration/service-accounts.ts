import { accessListCommands } from './access-lists.ts';
import { type AdministrationCommand, called, desc, needed, paging, roles } from './command.ts';

const ACCOUNT = ['clientId', 'name', 'roles', 'secrets.id', 'secrets.secret', 'secrets.expiresAt'];
const hours = needed({
  name: 'secretExpiresAfterHours',
  description: 'Lifetime of the secret in hours, from 8 to 8760',
  kind: 'number',
});
const whose = needed({ name: 'clientId', description: 'Service account that has the secret' });

export const serviceAccountCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'List service accounts',
    operation: 'listOrgServiceAccounts',
    flags: paging,
    columns: ACCOUNT,
  },
  {
    name: 'create',
    summary: 'Create a service account and show its secret once',
    operation: 'createOrgServiceAccount',
    argument: 'name',
    flags: [needed(called), needed(desc), needed(roles), hours],
    body: ({ name, desc: description, role, secretExpiresAfterHours }) => ({
      name,
      description,
      roles: role,
      secretExpiresAfterHours,
    }),
    columns: ACCOUNT,
  },
  {
    name: 'describe',
    summary: 'Show a service account',
    operation: 'getOrgServiceAccount',
    argument: 'clientId',
    columns: ACCOUNT,
  },
  {
    name: 'update',
    summary: 'Change the name, description or roles of a service account',
    operation: 'updateOrgServiceAccount',
    argument: 'clientId',
    flags: [called, desc, roles],
    body: ({ name, desc: description, role }) => ({ name, description, roles: role }),
    columns: ACCOUNT,
  },
  {
    name: 'delete',
    summary: 'Delete a service account and its access tokens',
    operation: 'deleteOrgServiceAccount',
    argument: 'clientId',
    columns: [],
  },
  {
    name: 'secret create',
    summary: 'Create a secret and show it once; an account has at most two',
    operation: 'createOrgServiceAccountSecret',
    flags: [whose, hours],
    body: ({ secretExpiresAfterHours }) => ({ secretExpiresAfterHours }),
    columns: ['id', 'secret', 'expiresAt'],
  },
  {
    name: 'secret delete',
    summary: 'Delete a secret',
    operation: 'deleteOrgServiceAccountSecret',
    argument: 'secretId',
    flags: [whose],
    columns: [],
  },
  ...accessListCommands('clientId', {
    list: 'listOrgServiceAccountAccessList',
    create: 'createOrgServiceAccountAccessList',
    delete: 'deleteOrgServiceAccountAccessListEntry',
  }),
];
