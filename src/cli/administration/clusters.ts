import { type AdministrationCommand, called, needed, paging } from './command.ts';

const CLUSTER = ['id', 'name', 'connectionStrings.standard'];
const all = '/groups/{projectId}/clusters';
const one = `${all}/{clusterName}`;
const connectionString = needed({
  name: 'connectionString',
  description: 'with user and password; - reads it from stdin',
});

export const clusterCommands: readonly AdministrationCommand[] = [
  { name: 'list', summary: 'list destinations', method: 'GET', path: all, flags: paging, columns: CLUSTER },
  {
    name: 'create',
    summary: 'register an existing cluster as a destination',
    method: 'POST',
    path: all,
    argument: 'name',
    flags: [needed(called), connectionString],
    body: (values) => ({ name: values.name, connectionStrings: { standard: values.connectionString } }),
    columns: CLUSTER,
  },
  { name: 'describe', summary: 'show one', method: 'GET', path: one, argument: 'clusterName', columns: CLUSTER },
  {
    name: 'update',
    summary: 'change how one is reached, for instance its password',
    method: 'PATCH',
    path: one,
    argument: 'clusterName',
    flags: [connectionString],
    body: (values) => ({ connectionStrings: { standard: values.connectionString } }),
    columns: CLUSTER,
  },
  { name: 'delete', summary: 'forget one', method: 'DELETE', path: one, argument: 'clusterName', columns: [] },
];
