import { z } from 'zod';
import {
  createOrganization,
  deleteOrganization,
  getOrganization,
  listOrganizations,
  type Organization,
  renameOrganization,
  requireAccessLists,
} from '../control/index.ts';
import { pageOf } from '../http/index.ts';
import { apiKey, organizationApiKeyRequest, showMadeApiKey } from './api-key-schemas.ts';
import { defineOperation } from './operation.ts';
import { id, link, name, page, readOnly } from './schemas.ts';
import { MAX_SECRET_HOURS, serviceAccount, serviceAccountRequest, showMadeAccount } from './service-account-schemas.ts';

const atlasOrganization = z
  .object({ id, isDeleted: z.boolean(), links: z.array(link), name: z.string() })
  .meta({ id: 'AtlasOrganization' });

export type ShownOrganization = z.output<typeof atlasOrganization>;

const organizationName = name(/^[\p{L}\p{N}\-_.(),:&@+' ]+$/u, 64, "letters, digits, spaces and -_.(),:&@+'");
const noAlerts = z.boolean().optional().meta({ description: 'Accepted without effect: Linkspan has no alerts.' });

const organizationUpdate = z
  .strictObject({
    id: readOnly,
    isDeleted: readOnly,
    links: readOnly,
    name: organizationName,
    skipDefaultAlertsSettings: noAlerts,
  })
  .meta({ id: 'AtlasOrganizationUpdate' });

const organizationRequest = z
  .strictObject({
    apiKey: organizationApiKeyRequest.optional(),
    name: organizationName,
    serviceAccount: serviceAccountRequest.optional(),
    skipDefaultAlertsSettings: noAlerts,
  })
  .meta({
    id: 'CreateOrganizationRequest',
    description: 'The API key or the service account must have the role ORG_OWNER.',
  });

const madeOrganization = z
  .object({ apiKey: apiKey.optional(), organization: atlasOrganization, serviceAccount: serviceAccount.optional() })
  .meta({ id: 'CreateOrganizationResponse' });

const organizationSettings = z
  .object({
    apiAccessListRequired: z
      .boolean()
      .meta({ description: 'Whether API keys and service accounts without an access list are refused.' }),
    maxServiceAccountSecretValidityInHours: z.int(),
  })
  .meta({ id: 'OrganizationSettings' });

const settingsUpdate = z
  .strictObject({ apiAccessListRequired: z.boolean() })
  .meta({ id: 'OrganizationSettingsUpdate' });

export const organizationOperations = [
  defineOperation({
    operationId: 'listOrgs',
    summary: 'List the organization of the API key',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount', 'name'],
    response: page('Organization', atlasOrganization),
    handle: async ({ control, actor, query, address }) => {
      const wanted = query.get('name')?.toLowerCase() ?? '';
      const all = await listOrganizations(control, actor);
      const found = all.filter(({ name }) => name.toLowerCase().startsWith(wanted));
      return pageOf(
        found.map((organization) => show(organization, `${address}/${organization.id}`)),
        query,
        address,
      );
    },
  }),
  defineOperation({
    operationId: 'createOrg',
    summary: 'Create one organization with an API key or a service account',
    status: 201,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: organizationRequest }],
    response: madeOrganization,
    handle: async ({ control, actor, body, address }) => {
      const { name, apiKey, serviceAccount } = body;
      const made = await createOrganization(control, actor, {
        name,
        apiKey: apiKey && { description: apiKey.desc, roles: apiKey.roles },
        serviceAccount: serviceAccount && { ...serviceAccount, title: serviceAccount.name },
      });
      const href = `${address}/${made.organization.id}`;
      return {
        organization: show(made.organization, href),
        ...(made.apiKey ? { apiKey: showMadeApiKey(made.apiKey, `${href}/apiKeys/${made.apiKey.key.id}`) } : {}),
        ...(made.serviceAccount ? { serviceAccount: showMadeAccount(made.serviceAccount) } : {}),
      };
    },
  }),
  defineOperation({
    operationId: 'getOrg',
    summary: 'Return one organization',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: atlasOrganization,
    handle: async ({ control, actor, path, address }) =>
      showWithLinks(await getOrganization(control, actor, path('orgId')), address),
  }),
  defineOperation({
    operationId: 'updateOrg',
    summary: 'Rename one organization',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: organizationUpdate }],
    response: atlasOrganization,
    handle: async ({ control, actor, path, body, address }) =>
      show(await renameOrganization(control, actor, path('orgId'), body.name), address),
  }),
  defineOperation({
    operationId: 'deleteOrg',
    summary: 'Delete one organization without projects, and its API keys, service accounts and links',
    status: 204,
    versions: [{ version: '2023-01-01' }],
    handle: ({ control, actor, path }) => deleteOrganization(control, actor, path('orgId')),
  }),
  defineOperation({
    operationId: 'getOrgSettings',
    summary: 'Return the settings of one organization',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: organizationSettings,
    handle: async ({ control, actor, path }) => showSettings(await getOrganization(control, actor, path('orgId'))),
  }),
  defineOperation({
    operationId: 'updateOrgSettings',
    summary: 'Set whether one organization requires access lists',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: settingsUpdate }],
    response: organizationSettings,
    handle: async ({ control, actor, path, body }) =>
      showSettings(await requireAccessLists(control, actor, path('orgId'), body.apiAccessListRequired)),
  }),
];

function show({ id, name }: Organization, href: string): z.output<typeof atlasOrganization> {
  return { id, isDeleted: false, links: [{ href, rel: 'self' }], name };
}

/** One organization, with the links that Atlas shows only there. Links to teams and users would lead nowhere: Linkspan has neither. */
function showWithLinks(organization: Organization, href: string): z.output<typeof atlasOrganization> {
  const shown = show(organization, href);
  return { ...shown, links: [...shown.links, { href: `${href}/groups`, rel: 'https://cloud.mongodb.com/groups' }] };
}

function showSettings({ accessListRequired }: Organization): z.output<typeof organizationSettings> {
  return { apiAccessListRequired: accessListRequired, maxServiceAccountSecretValidityInHours: MAX_SECRET_HOURS };
}
