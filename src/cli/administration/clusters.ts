import { type AdministrationCommand, called, needed, paging } from './command.ts';

const CLUSTER = ['id', 'name', 'connectionStrings.standard'];
const connectionString = needed({
  name: 'connectionString',
  description: 'Connection string with user and password; - reads it from stdin',
});

export const clusterCommands: readonly AdministrationCommand[] = [
  {
    name: 'list',
    summary: 'List destination clusters',
    operation: 'listGroupClusters',
    flags: paging,
    columns: CLUSTER,
  },
  {
    name: 'create',
    summary: 'Register an existing cluster as a destination',
    operation: 'createGroupCluster',
    argument: 'name',
    flags: [needed(called), connectionString],
    body: (values) => ({ name: values.name, connectionStrings: { standard: values.connectionString } }),
    columns: CLUSTER,
  },
  {
    name: 'describe',
    summary: 'Show a destination cluster',
    operation: 'getGroupCluster',
    argument: 'clusterName',
    columns: CLUSTER,
  },
  {
    name: 'update',
    summary: 'Change the connection string of a destination cluster',
    operation: 'updateGroupCluster',
    argument: 'clusterName',
    flags: [connectionString],
    body: (values) => ({ connectionStrings: { standard: values.connectionString } }),
    columns: CLUSTER,
  },
  {
    name: 'delete',
    summary: 'Remove the registration of a destination cluster',
    operation: 'deleteGroupCluster',
    argument: 'clusterName',
    columns: [],
  },
];
