import { type AdministrationCommand, called, needed, paging } from './command.ts';

const CLUSTER = ['id', 'name', 'connectionStrings.standard'];
const all = '/groups/{projectId}/clusters';
const one = `${all}/{clusterName}`;

export const clusterCommands: readonly AdministrationCommand[] = [
  { name: 'list', summary: 'list destinations', method: 'GET', path: all, flags: paging, columns: CLUSTER },
  {
    name: 'create',
    summary: 'register an existing cluster as a destination',
    method: 'POST',
    path: all,
    argument: 'name',
    flags: [
      needed(called),
      needed({ name: 'connectionString', description: 'with user and password; - reads it from stdin' }),
    ],
    body: ({ name, connectionString }) => ({ name, connectionStrings: { standard: connectionString } }),
    columns: CLUSTER,
  },
  { name: 'describe', summary: 'show one', method: 'GET', path: one, argument: 'clusterName', columns: CLUSTER },
  { name: 'delete', summary: 'forget one', method: 'DELETE', path: one, argument: 'clusterName', columns: [] },
];
