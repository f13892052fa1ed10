import { type AdministrationCommand, paging } from './command.ts';

/** The commands about what was done. @param place  path of the organization or the project */
export function eventCommands(place: string): readonly AdministrationCommand[] {
  const columns = ['id', 'created', 'eventTypeName', 'linkspan.actorName', 'remoteAddress', 'targetPublicKey'];
  return [
    {
      name: 'list',
      summary: 'list what was done, the newest first',
      method: 'GET',
      path: `${place}/events`,
      flags: [
        { name: 'type', description: 'types of events, with commas', kind: 'list', query: 'eventType' },
        ...paging,
      ],
      columns,
    },
    {
      name: 'describe',
      summary: 'show one',
      method: 'GET',
      path: `${place}/events/{eventId}`,
      argument: 'eventId',
      columns,
    },
  ];
}
