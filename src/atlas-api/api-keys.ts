import {
  type ApiKey,
  createApiKey,
  createGroupApiKey,
  deleteApiKey,
  getApiKey,
  listApiKeys,
  listGroupApiKeys,
  setGroupApiKeyRoles,
  updateApiKey,
} from '../control/index.ts';
import { pageOf } from '../http/index.ts';
import {
  apiKey,
  groupApiKeyRequest,
  groupApiKeyUpdate,
  groupRoleAssignments,
  organizationApiKeyRequest,
  organizationApiKeyUpdate,
  showApiKey,
  showMadeApiKey,
} from './api-key-schemas.ts';
import { defineOperation } from './operation.ts';
import { page } from './schemas.ts';

const keyPage = page('ApiApiUser', apiKey);

const showAll = (keys: readonly ApiKey[], query: URLSearchParams, address: string) =>
  pageOf(
    keys.map((key) => showApiKey(key, `${address}/${key.id}`)),
    query,
    address,
  );

export const apiKeyOperations = [
  defineOperation({
    operationId: 'listOrgApiKeys',
    summary: 'List the API keys of one organization',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
    response: keyPage,
    handle: async ({ control, actor, path, query, address }) =>
      showAll(await listApiKeys(control, actor, path('orgId')), query, address),
  }),
  defineOperation({
    operationId: 'createOrgApiKey',
    summary: 'Create one API key of an organization',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: organizationApiKeyRequest }],
    response: apiKey,
    handle: async ({ control, actor, path, body, address }) => {
      const made = await createApiKey(control, actor, path('orgId'), body.desc, body.roles);
      return showMadeApiKey(made, `${address}/${made.key.id}`);
    },
  }),
  defineOperation({
    operationId: 'getOrgApiKey',
    summary: 'Return one API key of an organization',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: apiKey,
    handle: async ({ control, actor, path, address }) =>
      showApiKey(await getApiKey(control, actor, path('orgId'), path('apiUserId')), address),
  }),
  defineOperation({
    operationId: 'updateOrgApiKey',
    summary: 'Change the description or roles of one API key of an organization',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: organizationApiKeyUpdate }],
    response: apiKey,
    handle: async ({ control, actor, path, body, address }) => {
      const changes = {
        ...(body.desc ? { description: body.desc } : {}),
        ...(body.roles ? { roles: body.roles } : {}),
      };
      return showApiKey(await updateApiKey(control, actor, path('orgId'), path('apiUserId'), changes), address);
    },
  }),
  defineOperation({
    operationId: 'deleteOrgApiKey',
    summary: 'Delete one API key of an organization',
    status: 204,
    versions: [{ version: '2023-01-01' }],
    handle: ({ control, actor, path }) => deleteApiKey(control, actor, path('orgId'), path('apiUserId')),
  }),
  defineOperation({
    operationId: 'listGroupApiKeys',
    summary: 'List the API keys with a role in one project',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
    response: keyPage,
    handle: async ({ control, actor, path, query, address }) =>
      showAll(await listGroupApiKeys(control, actor, path('groupId')), query, address),
  }),
  defineOperation({
    operationId: 'createGroupApiKey',
    summary: 'Create one API key with roles in a project',
    status: 200,
    role: 'GROUP_OWNER',
    versions: [{ version: '2023-01-01', body: groupApiKeyRequest }],
    response: apiKey,
    handle: async ({ control, actor, path, body, address }) => {
      const made = await createGroupApiKey(control, actor, path('groupId'), body.desc, body.roles);
      return showMadeApiKey(made, `${address}/${made.key.id}`);
    },
  }),
  defineOperation({
    operationId: 'updateGroupApiKeyRoles',
    summary: 'Change the roles of one API key in a project',
    status: 200,
    role: 'GROUP_OWNER',
    versions: [{ version: '2023-01-01', body: groupApiKeyUpdate }],
    response: apiKey,
    handle: async ({ control, actor, path, body, address }) => {
      const which = { groupId: path('groupId'), id: path('apiUserId'), mustBeIn: true };
      return showApiKey(await setGroupApiKeyRoles(control, actor, which, body.roles, body.desc), address);
    },
  }),
  defineOperation({
    operationId: 'addGroupApiKey',
    summary: 'Grant one API key of the organization roles in a project',
    status: 204,
    role: 'GROUP_OWNER',
    versions: [{ version: '2023-01-01', body: groupRoleAssignments }],
    handle: async ({ control, actor, path, body }) => {
      const which = { groupId: path('groupId'), id: path('apiUserId'), mustBeIn: false };
      const roles = new Set(body.flatMap((assignment) => assignment.roles));
      await setGroupApiKeyRoles(control, actor, which, [...roles]);
    },
  }),
  defineOperation({
    operationId: 'removeGroupApiKey',
    summary: 'Remove one API key from a project; the organization keeps it',
    status: 204,
    versions: [{ version: '2023-01-01' }],
    handle: async ({ control, actor, path }) => {
      const which = { groupId: path('groupId'), id: path('apiUserId'), mustBeIn: true };
      await setGroupApiKeyRoles(control, actor, which, []);
    },
  }),
];
