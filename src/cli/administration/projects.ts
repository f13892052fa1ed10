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
    summary: 'List projects',
    method: 'GET',
    path: '/groups',
    flags: paging,
    columns: ['id', 'name', 'clusterCount'],
  },
  {
    name: 'create',
    summary: 'Create a project',
    method: 'POST',
    path: '/groups',
    argument: 'name',
    flags: [needed(called), needed({ name: 'orgId', description: PLACES.orgId })],
    body: ({ name, orgId }) => ({ name, orgId }),
    columns: ['id', 'name'],
  },
  { name: 'describe', summary: 'Show a project', method: 'GET', path: one, argument: 'projectId', columns: PROJECT },
  {
    name: 'find',
    summary: 'Find a project by its name',
    method: 'GET',
    path: '/groups/byName/{name}',
    argument: 'name',
    columns: PROJECT,
  },
  {
    name: 'update',
    summary: 'Rename a project',
    method: 'PATCH',
    path: one,
    argument: 'projectId',
    flags: [needed(called)],
    body: ({ name }) => ({ name }),
    columns: PROJECT,
  },
  // Takes the id as an argument only: with the profile's id one could delete the wrong project by mistake.
  { name: 'delete', summary: 'Delete a project', method: 'DELETE', path: '/groups/{id}', argument: 'id', columns: [] },
  {
    name: 'api-key list',
    summary: 'List API keys that have a role in a project',
    method: 'GET',
    path: keys,
    flags: paging,
    columns: KEY,
  },
  {
    name: 'api-key create',
    summary: 'Create an API key with roles in a project and show its private key once',
    method: 'POST',
    path: keys,
    flags: [needed(desc), needed(roles)],
    body: keyBody,
    columns: KEY,
  },
  {
    name: 'api-key assign',
    summary: 'Assign roles in a project to an API key of the organization',
    method: 'POST',
    path: key,
    argument: 'apiKey',
    flags: [needed(roles)],
    body: (values) => [{ roles: values.role }],
    columns: [],
  },
  {
    name: 'api-key update',
    summary: 'Change the roles of an API key in a project',
    method: 'PATCH',
    path: key,
    argument: 'apiKey',
    flags: [desc, roles],
    body: keyBody,
    columns: KEY,
  },
  {
    name: 'api-key delete',
    summary: 'Remove an API key from a project; the organization keeps the key',
    method: 'DELETE',
    path: key,
    argument: 'apiKey',
    columns: [],
  },
  ...eventCommands(one).map((command) => ({ ...command, name: `event ${command.name}` })),
];
