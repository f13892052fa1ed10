import { accessListCommands } from './access-lists.ts';
import { type AdministrationCommand, desc, needed, paging, roles } from './command.ts';

export const KEY = ['id', 'publicKey', 'privateKey', 'desc', 'roles.roleName'];
/** The body of requests that create or update a key. */
export const keyBody: AdministrationCommand['body'] = ({ desc: text, role }) => ({ desc: text, roles: role });

export const apiKeyCommands: readonly AdministrationCommand[] = [
  { name: 'list', summary: 'List API keys', operation: 'listOrgApiKeys', flags: paging, columns: KEY },
  {
    name: 'create',
    summary: 'Create an API key and show its private key once',
    operation: 'createOrgApiKey',
    flags: [needed(desc), needed(roles)],
    body: keyBody,
    columns: KEY,
  },
  { name: 'describe', summary: 'Show an API key', operation: 'getOrgApiKey', argument: 'apiKey', columns: KEY },
  {
    name: 'update',
    summary: 'Change the description or the organization roles of an API key',
    operation: 'updateOrgApiKey',
    argument: 'apiKey',
    flags: [desc, roles],
    body: keyBody,
    columns: KEY,
  },
  { name: 'delete', summary: 'Delete an API key', operation: 'deleteOrgApiKey', argument: 'apiKey', columns: [] },
  ...accessListCommands('apiKey', {
    list: 'listOrgApiKeyAccessListEntries',
    create: 'createOrgApiKeyAccessListEntry',
    delete: 'deleteOrgApiKeyAccessListEntry',
  }),
  {
    name: 'access-list describe',
    summary: 'Show an entry of the access list',
    operation: 'getOrgApiKeyAccessListEntry',
    argument: 'entry',
    flags: [needed({ name: 'apiKey', description: 'API key that has the list' })],
    columns: ['cidrBlock', 'ipAddress', 'created'],
  },
];
