import { accessListCommands } from './access-lists.ts';
import { type AdministrationCommand, called, desc, needed, paging, roles } from './command.ts';

const ACCOUNT = ['clientId', 'name', 'roles', 'secrets.id', 'secrets.secret', 'secrets.expiresAt'];
const all = '/orgs/{orgId}/serviceAccounts';
const one = `${all}/{clientId}`;
const hours = needed({ name: 'secretExpiresAfterHours', description: '8 to 8760', kind: 'number' });
const whose = needed({ name: 'clientId', description: 'whose it is' });

export const serviceAccountCommands: readonly AdministrationCommand[] = [
  { name: 'list', summary: 'list service accounts', method: 'GET', path: all, flags: paging, columns: ACCOUNT },
  {
    name: 'create',
    summary: 'make one; its secret is shown once',
    method: 'POST',
    path: all,
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
  { name: 'describe', summary: 'show one', method: 'GET', path: one, argument: 'clientId', columns: ACCOUNT },
  {
    name: 'update',
    summary: 'change name, description or roles of one',
    method: 'PATCH',
    path: one,
    argument: 'clientId',
    flags: [called, desc, roles],
    body: ({ name, desc: description, role }) => ({ name, description, roles: role }),
    columns: ACCOUNT,
  },
  {
    name: 'delete',
    summary: 'delete one, and with it its access tokens',
    method: 'DELETE',
    path: one,
    argument: 'clientId',
    columns: [],
  },
  {
    name: 'secret create',
    summary: 'add a secret, shown once; an account has two at most',
    method: 'POST',
    path: `${one}/secrets`,
    flags: [whose, hours],
    body: ({ secretExpiresAfterHours }) => ({ secretExpiresAfterHours }),
    columns: ['id', 'secret', 'expiresAt'],
  },
  {
    name: 'secret delete',
    summary: 'delete a secret',
    method: 'DELETE',
    path: `${one}/secrets/{secretId}`,
    argument: 'secretId',
    flags: [whose],
    columns: [],
  },
  ...accessListCommands(one, 'clientId'),
];
