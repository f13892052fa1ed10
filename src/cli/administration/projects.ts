import { KEY, keyBody } from './api-keys.ts';
import { type AdministrationCommand, called, desc, needed, PLACES, paging, roles } from './command.ts';
import { eventCommands } from './events.ts';

const PROJECT = ['id', 'name', 'orgId', 'clusterCount'];

export const projectCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'List projects',
    operation: 'listGroups',
    flags: paging,
    columns: ['id', 'name', 'clusterCount'],
  },
  {
    name: 'create',
    summary: 'Create a project',
    operation: 'createGroup',
    argument: 'name',
    flags: [needed(called), needed({ name: 'orgId', description: PLACES.orgId })],
    body: ({ name, orgId }) => ({ name, orgId }),
    columns: ['id', 'name'],
  },
  { name: 'describe', summary: 'Show a project', operation: 'getGroup', argument: 'projectId', columns: PROJECT },
  {
    name: 'find',
    summary: 'Find a project by its name',
    operation: 'getGroupByName',
    placeholders: { groupName: 'name' },
    argument: 'name',
    columns: PROJECT,
  },
  {
    name: 'update',
    summary: 'Rename a project',
    operation: 'updateGroup',
    argument: 'projectId',
    flags: [needed(called)],
    body: ({ name }) => ({ name }),
    columns: PROJECT,
  },
  // Takes the id as an argument only: with the profile's id one could delete the wrong project by mistake.
  {
    name: 'delete',
    summary: 'Delete a project',
    operation: 'deleteGroup',
    placeholders: { groupId: 'id' },
    argument: 'id',
    columns: [],
  },
  {
    name: 'api-key list',
    summary: 'List API keys that have a role in a project',
    operation: 'listGroupApiKeys',
    flags: paging,
    columns: KEY,
  },
  {
    name: 'api-key create',
    summary: 'Create an API key with roles in a project and show its private key once',
    operation: 'createGroupApiKey',
    flags: [needed(desc), needed(roles)],
    body: keyBody,
    columns: KEY,
  },
  {
    name: 'api-key assign',
    summary: 'Assign roles in a project to an API key of the organization',
    operation: 'addGroupApiKey',
    argument: 'apiKey',
    flags: [needed(roles)],
    body: (values) => [{ roles: values.role }],
    columns: [],
  },
  {
    name: 'api-key update',
    summary: 'Change the roles of an API key in a project',
    operation: 'updateGroupApiKeyRoles',
    argument: 'apiKey',
    flags: [desc, roles],
    body: keyBody,
    columns: KEY,
  },
  {
    name: 'api-key delete',
    summary: 'Remove an API key from a project; the organization keeps the key',
    operation: 'removeGroupApiKey',
    argument: 'apiKey',
    columns: [],
  },
  ...eventCommands('listGroupEvents', 'getGroupEvent').map((command) => ({
    ...command,
    name: `event ${command.name}`,
  })),
];
