import { z } from 'zod';
import { type Control, createGroup, type Group, getGroup, listGroups, listGroupsOf } from '../control/index.ts';
import { atlasDate, pageOf } from '../http/index.ts';
import { defineOperation } from './operation.ts';
import { id, link, name, page } from './schemas.ts';

const group = z
  .object({
    clusterCount: z.int(),
    created: z.iso.datetime(),
    id,
    links: z.array(link),
    name: z.string(),
    orgId: id,
  })
  .meta({ id: 'Group' });

const groupPage = page('Group', group);

/** What Atlas's Go SDK, and with it the Atlas CLI, sends of a new project although only answers have it. */
const readOnly = z.unknown().optional().meta({ description: 'Read-only: taken and without effect.', readOnly: true });

const groupRequest = z
  .strictObject({
    clusterCount: readOnly,
    created: readOnly,
    name: name(/^[\p{L}\p{N}\-_.(),:&@+' ]+$/u, 64),
    orgId: id,
    withDefaultAlertsSettings: z
      .boolean()
      .optional()
      .meta({ description: 'Taken and without effect: there are no alerts.' }),
  })
  .meta({ id: 'GroupRequest' });

export const groupOperations = [
  defineOperation({
    operationId: 'listGroups',
    summary: 'List the projects of the API key',
    method: 'GET',
    path: '/groups',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
    response: groupPage,
    handle: async ({ control, actor, query, address }) => {
      const groups = await listGroups(control, actor);
      const shown = await Promise.all(groups.map((each) => show(control, each, `${address}/${each.id}`)));
      return pageOf(shown, query, address);
    },
  }),
  defineOperation({
    operationId: 'getOrgGroups',
    summary: 'List the projects of one organization',
    method: 'GET',
    path: '/orgs/{orgId}/groups',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
    response: groupPage,
    handle: async ({ control, actor, path, query, address }) => {
      const wanted = query.get('name')?.toLowerCase() ?? '';
      const groups = await listGroupsOf(control, actor, path('orgId'));
      const found = groups.filter(({ name }) => name.toLowerCase().startsWith(wanted));
      const all = address.replace(/\/orgs\/[^/]+/, '');
      return pageOf(await Promise.all(found.map((each) => show(control, each, `${all}/${each.id}`))), query, address);
    },
  }),
  defineOperation({
    operationId: 'createGroup',
    summary: 'Create one project',
    method: 'POST',
    path: '/groups',
    // Atlas's specification says 200; recorded answers are 201.
    status: 201,
    versions: [{ version: '2023-01-01', body: groupRequest }],
    response: group,
    handle: async ({ control, actor, body, address }) => {
      const created = await createGroup(control, actor, body.orgId, body.name);
      return show(control, created, `${address}/${created.id}`);
    },
  }),
  defineOperation({
    operationId: 'getGroup',
    summary: 'Return one project',
    method: 'GET',
    path: '/groups/{groupId}',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: group,
    handle: async ({ control, actor, path, address }) =>
      show(control, await getGroup(control, actor, path('groupId')), address),
  }),
];

async function show({ store }: Control, record: Group, href: string): Promise<z.output<typeof group>> {
  return {
    clusterCount: (await store.clustersOf(record.id)).length,
    created: atlasDate(record.createdAtMs),
    id: record.id,
    links: [{ href, rel: 'self' }],
    name: record.name,
    orgId: record.orgId,
  };
}
