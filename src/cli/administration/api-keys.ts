import { accessListCommands } from './access-lists.ts';
import { type AdministrationCommand, desc, needed, paging, roles } from './command.ts';

export const KEY = ['id', 'publicKey', 'privateKey', 'desc', 'roles.roleName'];
/** The body of requests that create or update a key. */
export const keyBody: AdministrationCommand['body'] = ({ desc: text, role }) => ({ desc: text, roles: role });
const all = '/orgs/{orgId}/apiKeys';
const one = `${all}/{apiKey}`;

export const apiKeyCommands: readonly AdministrationCommand[] = [
  { name: 'list', summary: 'List API keys', method: 'GET', path: all, flags: paging, columns: KEY },
  {
    name: 'create',
    summary: 'Create an API key and show its private key once',
    method: 'POST',
    path: all,
    flags: [needed(desc), needed(roles)],
    body: keyBody,
    columns: KEY,
  },
  { name: 'describe', summary: 'Show an API key', method: 'GET', path: one, argument: 'apiKey', columns: KEY },
  {
    name: 'update',
    summary: 'Change the description or the organization roles of an API key',
    method: 'PATCH',
    path: one,
    argument: 'apiKey',
    flags: [desc, roles],
    body: keyBody,
    columns: KEY,
  },
  { name: 'delete', summary: 'Delete an API key', method: 'DELETE', path: one, argument: 'apiKey', columns: [] },
  ...accessListCommands(one, 'apiKey'),
  {
    name: 'access-list describe',
    summary: 'Show an entry of the access list',
    method: 'GET',
    path: `${one}/accessList/{entry}`,
    argument: 'entry',
    flags: [needed({ name: 'apiKey', description: 'API key that has the list' })],
    columns: ['cidrBlock', 'ipAddress', 'created'],
  },
];
