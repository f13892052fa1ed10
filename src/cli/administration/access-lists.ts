import { type AdministrationCommand, needed, paging } from './command.ts';

/**
 * The commands about an access list.
 * @param owner  path of the key or account that has it
 * @param flag   what the owner's id is called
 */
export function accessListCommands(owner: string, flag: string): readonly AdministrationCommand[] {
  const all = `${owner}/accessList`;
  const columns = ['cidrBlock', 'ipAddress', 'created', 'createdAt'];
  const whose = needed({ name: flag, description: 'whose it is' });
  return [
    {
      name: 'access-list list',
      summary: 'list from where it may be used; an empty list means anywhere',
      method: 'GET',
      path: all,
      argument: flag,
      flags: paging,
      columns,
    },
    {
      name: 'access-list create',
      summary: 'add from where it may be used; the first entry closes it to all else',
      method: 'POST',
      path: all,
      flags: [
        whose,
        { name: 'ip', description: 'addresses, with commas', kind: 'list' },
        { name: 'cidr', description: 'blocks, with commas', kind: 'list' },
      ],
      body: ({ ip = [], cidr = [] }) => [
        ...(ip as string[]).map((ipAddress) => ({ ipAddress })),
        ...(cidr as string[]).map((cidrBlock) => ({ cidrBlock })),
      ],
      columns,
    },
    {
      name: 'access-list delete',
      summary: 'remove an address or a block',
      method: 'DELETE',
      path: `${all}/{entry}`,
      argument: 'entry',
      flags: [whose],
      columns: [],
    },
  ];
}
