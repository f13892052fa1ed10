import { z } from 'zod';
import {
  type Control,
  clustersOf,
  createGroup,
  deleteGroup,
  type Group,
  getGroup,
  getGroupByName,
  listGroups,
  listGroupsOf,
  renameGroup,
} from '../control/index.ts';
import { atlasDate, pageOf } from '../http/index.ts';
import { defineOperation } from './operation.ts';
import { id, link, name, nothing, page, readOnly } from './schemas.ts';

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

export type Project = z.output<typeof group>;

const groupPage = page('Group', group);

const groupName = name(/^[\p{L}\p{N}\-_.(),:&@+' ]+$/u, 64, "letters, digits, spaces and -_.(),:&@+'");

const groupRequest = z
  .strictObject({
    clusterCount: readOnly,
    created: readOnly,
    name: groupName,
    orgId: id,
    withDefaultAlertsSettings: z
      .boolean()
      .optional()
      .meta({ description: 'Accepted without effect: Linkspan has no alerts.' }),
  })
  .meta({ id: 'GroupRequest' });

const groupUpdate = z.strictObject({ name: groupName }).meta({ id: 'GroupUpdate' });

export const groupOperations = [
  defineOperation({
    operationId: 'listGroups',
    summary: 'List the projects that the API key can access',
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
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount', 'name'],
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
    // Atlas's specification says 200; recorded answers are 201.
    status: 201,
    role: 'ORG_GROUP_CREATOR',
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
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: group,
    handle: async ({ control, actor, path, address }) =>
      show(control, await getGroup(control, actor, path('groupId')), address),
  }),
  defineOperation({
    operationId: 'getGroupByName',
    summary: 'Return one project by its name',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: group,
    handle: async ({ control, actor, path, address }) => {
      const found = await getGroupByName(control, actor, path('groupName'));
      return show(control, found, address.replace(/byName\/.*$/, found.id));
    },
  }),
  defineOperation({
    operationId: 'updateGroup',
    summary: 'Rename one project',
    status: 200,
    role: 'GROUP_OWNER',
    versions: [{ version: '2023-01-01', body: groupUpdate }],
    response: group,
    handle: async ({ control, actor, path, body, address }) =>
      show(control, await renameGroup(control, actor, path('groupId'), body.name), address),
  }),
  defineOperation({
    operationId: 'deleteGroup',
    summary: 'Delete one project without clusters',
    // Atlas's specification says 204; recorded answers are 202 with an empty object.
    status: 202,
    versions: [{ version: '2023-01-01' }],
    response: nothing,
    handle: async ({ control, actor, path }) => {
      await deleteGroup(control, actor, path('groupId'));
      return {};
    },
  }),
];

async function show({ store }: Control, record: Group, href: string): Promise<z.output<typeof group>> {
  return {
    clusterCount: (await clustersOf(store, record.id)).length,
    created: atlasDate(record.createdAtMs),
    id: record.id,
    links: [{ href, rel: 'self' }],
    name: record.name,
    orgId: record.orgId,
  };
}
