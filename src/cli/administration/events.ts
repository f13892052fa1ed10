import { type AdministrationCommand, paging } from './command.ts';

/** The commands that read audit events. @param place  path of the organization or the project */
export function eventCommands(place: string): readonly AdministrationCommand[] {
  const columns = ['id', 'created', 'eventTypeName', 'linkspan.actorName', 'remoteAddress', 'targetPublicKey'];
  return [
    {
      name: 'list',
      summary: 'List audit events, the newest first',
      method: 'GET',
      path: `${place}/events`,
      flags: [
        { name: 'type', description: 'Types of events, separated by commas', kind: 'list', query: 'eventType' },
        ...paging,
      ],
      columns,
    },
    {
      name: 'describe',
      summary: 'Show an audit event',
      method: 'GET',
      path: `${place}/events/{eventId}`,
      argument: 'eventId',
      columns,
    },
  ];
}
