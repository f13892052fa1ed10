import { z } from 'zod';
import { getOrganization, listOrganizations, type Organization } from '../control/index.ts';
import { pageOf } from '../http/index.ts';
import { defineOperation } from './operation.ts';
import { id, link, page } from './schemas.ts';

const atlasOrganization = z
  .object({ id, isDeleted: z.boolean(), links: z.array(link), name: z.string() })
  .meta({ id: 'AtlasOrganization' });

export const organizationOperations = [
  defineOperation({
    operationId: 'listOrgs',
    summary: 'List the organizations of the API key',
    method: 'GET',
    path: '/orgs',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
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
    operationId: 'getOrg',
    summary: 'Return one organization',
    method: 'GET',
    path: '/orgs/{orgId}',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: atlasOrganization,
    handle: async ({ control, actor, path, address }) =>
      show(await getOrganization(control, actor, path('orgId')), address),
  }),
];

function show({ id, name }: Organization, href: string): z.output<typeof atlasOrganization> {
  return { id, isDeleted: false, links: [{ href, rel: 'self' }], name };
}
