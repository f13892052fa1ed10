import {
  addSecret,
  createServiceAccount,
  deleteSecret,
  deleteServiceAccount,
  getServiceAccount,
  listServiceAccounts,
  updateServiceAccount,
} from '../control/index.ts';
import { pageOf } from '../http/index.ts';
import { defineOperation } from './operation.ts';
import { page } from './schemas.ts';
import {
  secretRequest,
  serviceAccount,
  serviceAccountRequest,
  serviceAccountSecret,
  serviceAccountUpdate,
  showAccount,
  showMadeAccount,
  showMadeSecret,
} from './service-account-schemas.ts';

export const serviceAccountOperations = [
  defineOperation({
    operationId: 'listOrgServiceAccounts',
    summary: 'List the service accounts of one organization',
    status: 200,
    versions: [{ version: '2024-08-05' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
    response: page('OrgServiceAccounts', serviceAccount),
    handle: async ({ control, actor, path, query, address }) =>
      pageOf((await listServiceAccounts(control, actor, path('orgId'))).map(showAccount), query, address),
  }),
  defineOperation({
    operationId: 'createOrgServiceAccount',
    summary: 'Create one service account with its first secret',
    status: 201,
    role: 'ORG_OWNER',
    versions: [{ version: '2024-08-05', body: serviceAccountRequest }],
    response: serviceAccount,
    handle: async ({ control, actor, path, body }) =>
      showMadeAccount(await createServiceAccount(control, actor, path('orgId'), { ...body, title: body.name })),
  }),
  defineOperation({
    operationId: 'getOrgServiceAccount',
    summary: 'Return one service account',
    status: 200,
    versions: [{ version: '2024-08-05' }],
    response: serviceAccount,
    handle: async ({ control, actor, path }) =>
      showAccount(await getServiceAccount(control, actor, path('orgId'), path('clientId'))),
  }),
  defineOperation({
    operationId: 'updateOrgServiceAccount',
    summary: 'Change the name, description or roles of one service account',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2024-08-05', body: serviceAccountUpdate }],
    response: serviceAccount,
    handle: async ({ control, actor, path, body: { name: title, ...others } }) => {
      const changes = title === undefined ? others : { ...others, title };
      return showAccount(await updateServiceAccount(control, actor, path('orgId'), path('clientId'), changes));
    },
  }),
  defineOperation({
    operationId: 'deleteOrgServiceAccount',
    summary: 'Delete one service account and revoke its access tokens',
    status: 204,
    versions: [{ version: '2024-08-05' }],
    handle: ({ control, actor, path }) => deleteServiceAccount(control, actor, path('orgId'), path('clientId')),
  }),
  defineOperation({
    operationId: 'createOrgServiceAccountSecret',
    summary: 'Add a secret to one service account',
    status: 201,
    role: 'ORG_OWNER',
    versions: [{ version: '2024-08-05', body: secretRequest }],
    response: serviceAccountSecret,
    handle: async ({ control, actor, path, body }) => {
      const { secretExpiresAfterHours } = body;
      return showMadeSecret(await addSecret(control, actor, path('orgId'), path('clientId'), secretExpiresAfterHours));
    },
  }),
  defineOperation({
    operationId: 'deleteOrgServiceAccountSecret',
    summary: 'Delete one secret of a service account',
    status: 204,
    versions: [{ version: '2024-08-05' }],
    handle: ({ control, actor, path }) =>
      deleteSecret(control, actor, path('orgId'), path('clientId'), path('secretId')),
  }),
];
