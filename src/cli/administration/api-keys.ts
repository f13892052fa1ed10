import { accessListCommands } from './access-lists.ts';
import { type AdministrationCommand, desc, needed, paging, roles } from './command.ts';

export const KEY = ['id', 'publicKey', 'privateKey', 'desc', 'roles.roleName'];
/** What keys are made with, and changed to. */
export const keyBody: AdministrationCommand['body'] = ({ desc: text, role }) => ({ desc: text, roles: role });
const all = '/orgs/{orgId}/apiKeys';
const one = `${all}/{apiKey}`;

export const apiKeyCommands: readonly AdministrationCommand[] = [
  { name: 'list', summary: 'list API keys', method: 'GET', path: all, flags: paging, columns: KEY },
  {
    name: 'create',
    summary: 'make one; its private key is shown once',
    method: 'POST',
    path: all,
    flags: [needed(desc), needed(roles)],
    body: keyBody,
    columns: KEY,
  },
  { name: 'describe', summary: 'show one', method: 'GET', path: one, argument: 'apiKey', columns: KEY },
  {
    name: 'update',
    summary: 'change what one is for, or its roles in the organization',
    method: 'PATCH',
    path: one,
    argument: 'apiKey',
    flags: [desc, roles],
    body: keyBody,
    columns: KEY,
  },
  { name: 'delete', summary: 'delete one', method: 'DELETE', path: one, argument: 'apiKey', columns: [] },
  ...accessListCommands(one, 'apiKey'),
  {
    name: 'access-list describe',
    summary: 'show an entry',
    method: 'GET',
    path: `${one}/accessList/{entry}`,
    argument: 'entry',
    flags: [needed({ name: 'apiKey', description: 'whose it is' })],
    columns: ['cidrBlock', 'ipAddress', 'created'],
  },
];
