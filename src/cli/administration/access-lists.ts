import type { OperationId } from '../../contract/index.ts';
import { type AdministrationCommand, needed, paging } from './command.ts';

/**
 * The commands that manage the access list of an API key or a service account.
 * @param flag  name of the flag with the owner's id
 */
export function accessListCommands(
  flag: string,
  operations: Readonly<Record<'list' | 'create' | 'delete', OperationId>>,
): readonly AdministrationCommand[] {
  const columns = ['cidrBlock', 'ipAddress', 'created', 'createdAt'];
  const whose = needed({ name: flag, description: 'Key or account that has the list' });
  return [
    {
      name: 'access-list list',
      summary: 'List the allowed addresses; an empty list allows all',
      operation: operations.list,
      argument: flag,
      flags: paging,
      columns,
    },
    {
      name: 'access-list create',
      summary: 'Add allowed addresses; the first entry blocks all others',
      operation: operations.create,
      flags: [
        whose,
        { name: 'ip', description: 'Addresses, separated by commas', kind: 'list' },
        { name: 'cidr', description: 'CIDR blocks, separated by commas', kind: 'list' },
      ],
      body: ({ ip = [], cidr = [] }) => [
        ...(ip as string[]).map((ipAddress) => ({ ipAddress })),
        ...(cidr as string[]).map((cidrBlock) => ({ cidrBlock })),
      ],
      columns,
    },
    {
      name: 'access-list delete',
      summary: 'Remove an address or a block',
      operation: operations.delete,
      argument: 'entry',
      flags: [whose],
      columns: [],
    },
  ];
}
