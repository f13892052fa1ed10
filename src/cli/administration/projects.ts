import { KEY, keyBody } from './api-keys.ts';
import { type AdministrationCommand, called, desc, needed, PLACES, paging, roles } from './command.ts';
import { eventCommands } from './events.ts';

const PROJECT = ['id', 'name', 'orgId', 'clusterCount'];
const one = '/groups/{projectId}';
const keys = `${one}/apiKeys`;
const key = `${keys}/{apiKey}`;

export const projectCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'list projects',
    method: 'GET',
    path: '/groups',
    flags: paging,
    columns: ['id', 'name', 'clusterCount'],
  },
  {
    name: 'create',
    summary: 'make one',
    method: 'POST',
    path: '/groups',
    argument: 'name',
    flags: [needed(called), needed({ name: 'orgId', description: PLACES.orgId })],
    body: ({ name, orgId }) => ({ name, orgId }),
    columns: ['id', 'name'],
  },
  { name: 'describe', summary: 'show one', method: 'GET', path: one, argument: 'projectId', columns: PROJECT },
  {
    name: 'find',
    summary: 'show the one with a name',
    method: 'GET',
    path: '/groups/byName/{name}',
    argument: 'name',
    columns: PROJECT,
  },
  {
    name: 'update',
    summary: 'rename one',
    method: 'PATCH',
    path: one,
    argument: 'projectId',
    flags: [needed(called)],
    body: ({ name }) => ({ name }),
    columns: PROJECT,
  },
  // By its id alone: that of the profile is too easily forgotten.
  { name: 'delete', summary: 'delete one', method: 'DELETE', path: '/groups/{id}', argument: 'id', columns: [] },
  {
    name: 'api-key list',
    summary: 'list the API keys with a role in a project',
    method: 'GET',
    path: keys,
    flags: paging,
    columns: KEY,
  },
  {
    name: 'api-key create',
    summary: 'make an API key with roles in a project; its private key is shown once',
    method: 'POST',
    path: keys,
    flags: [needed(desc), needed(roles)],
    body: keyBody,
    columns: KEY,
  },
  {
    name: 'api-key assign',
    summary: 'give an API key of the organization roles in a project',
    method: 'POST',
    path: key,
    argument: 'apiKey',
    flags: [needed(roles)],
    body: (values) => [{ roles: values.role }],
    columns: [],
  },
  {
    name: 'api-key update',
    summary: 'change the roles of an API key in a project',
    method: 'PATCH',
    path: key,
    argument: 'apiKey',
    flags: [desc, roles],
    body: keyBody,
    columns: KEY,
  },
  {
    name: 'api-key delete',
    summary: 'take an API key out of a project; the organization keeps it',
    method: 'DELETE',
    path: key,
    argument: 'apiKey',
    columns: [],
  },
  ...eventCommands(one).map((command) => ({ ...command, name: `event ${command.name}` })),
];
