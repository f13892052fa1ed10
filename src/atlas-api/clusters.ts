import { z } from 'zod';
import {
  deleteCluster,
  getCluster,
  listClusters,
  registerCluster,
  type ShownCluster,
  updateCluster,
} from '../control/index.ts';
import { atlasDate, pageOf } from '../http/index.ts';
import { defineOperation } from './operation.ts';
import { id, link, name, nothing, page } from './schemas.ts';

const cluster = z
  .object({
    clusterType: z.literal('REPLICASET'),
    connectionStrings: z.object({ standard: z.string().meta({ description: 'Without credentials.' }) }),
    createDate: z.iso.datetime(),
    groupId: id,
    id,
    links: z.array(link),
    name: z.string(),
    stateName: z.literal('IDLE'),
    linkspan: z
      .object({
        destinationUsers: z.enum(['MIGRATION', 'FIXED']).meta({
          description:
            'The user with which agents connect: one created for each migration, or the registered user (`FIXED`). ' +
            'It is `FIXED` if the registered user may not create users.',
        }),
      })
      .meta({ 'x-linkspan-extension': true }),
  })
  .meta({ id: 'ClusterDescription' });

export type Cluster = z.output<typeof cluster>;

const connectionStrings = z.strictObject({
  standard: z
    .string()
    .min(1)
    .max(4096)
    .meta({ description: 'The connection string for agents, with credentials. Stored sealed, and never shown again.' }),
});
const clusterRequest = z
  .strictObject({
    name: name(/^[A-Za-z0-9][A-Za-z0-9-]*$/, 64, 'letters of ASCII, digits and hyphens, and no hyphen first'),
    connectionStrings,
  })
  .meta({ id: 'ClusterRegistration' });
const clusterUpdate = z.strictObject({ connectionStrings }).meta({ id: 'ClusterRegistrationUpdate' });

export const clusterOperations = [
  defineOperation({
    operationId: 'listGroupClusters',
    summary: 'List the registered destination clusters of one project',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
    response: page('ClusterDescription', cluster),
    handle: async ({ control, actor, path, query, address }) => {
      const clusters = await listClusters(control, actor, path('groupId'));
      return pageOf(
        clusters.map((each) => show(each, `${address}/${each.name}`)),
        query,
        address,
      );
    },
  }),
  defineOperation({
    operationId: 'createGroupCluster',
    summary: 'Register one existing cluster as a destination',
    status: 201,
    // Atlas creates a cluster from a description of its hardware; Linkspan registers an existing one.
    extension: true,
    role: 'GROUP_CLUSTER_MANAGER',
    versions: [{ version: '2023-01-01', body: clusterRequest }],
    response: cluster,
    handle: async ({ control, actor, path, body, address }) => {
      const wanted = { name: body.name, connectionString: body.connectionStrings.standard };
      return show(await registerCluster(control, actor, path('groupId'), wanted), `${address}/${body.name}`);
    },
  }),
  defineOperation({
    operationId: 'getGroupCluster',
    summary: 'Return one registered destination cluster',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: cluster,
    handle: async ({ control, actor, path, address }) =>
      show(await getCluster(control, actor, path('groupId'), path('clusterName')), address),
  }),
  defineOperation({
    operationId: 'updateGroupCluster',
    summary: 'Change the connection string of one registered destination',
    status: 200,
    // Atlas changes the cluster; Linkspan changes only its connection string.
    extension: true,
    role: 'GROUP_CLUSTER_MANAGER',
    versions: [{ version: '2023-01-01', body: clusterUpdate }],
    response: cluster,
    handle: async ({ control, actor, path, body, address }) => {
      const wanted = { name: path('clusterName'), connectionString: body.connectionStrings.standard };
      return show(await updateCluster(control, actor, path('groupId'), wanted), address);
    },
  }),
  defineOperation({
    operationId: 'deleteGroupCluster',
    summary: 'Delete the registration of one destination; the cluster itself stays unchanged',
    status: 202,
    // Atlas deletes the cluster; Linkspan deletes only its registration.
    extension: true,
    versions: [{ version: '2023-01-01' }],
    response: nothing,
    handle: async ({ control, actor, path }) => {
      await deleteCluster(control, actor, path('groupId'), path('clusterName'));
      return {};
    },
  }),
];

function show(record: ShownCluster, href: string): z.output<typeof cluster> {
  return {
    clusterType: 'REPLICASET',
    connectionStrings: { standard: record.connectionString },
    createDate: atlasDate(record.createdAtMs),
    groupId: record.groupId,
    id: record.id,
    links: [{ href, rel: 'self' }],
    name: record.name,
    stateName: 'IDLE',
    linkspan: { destinationUsers: record.users },
  };
}
