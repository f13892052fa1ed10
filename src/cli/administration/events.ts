import type { OperationId } from '../../contract/index.ts';
import { type AdministrationCommand, paging } from './command.ts';

const KINDS = 'migration, validation, cluster, apiKey, serviceAccount, agent, link or linkToken';

/** Asks the server to verify its audit records. */
export const eventVerification: AdministrationCommand = {
  name: 'verify',
  summary: 'Verify the audit records of the server',
  operation: 'verifyOrgEvents',
  columns: ['isIntact', 'records', 'problem.sequence', 'problem.description', 'verifiedAt'],
};

/** The commands that read the audit events of an organization or a project. */
export function eventCommands(list: OperationId, describe: OperationId): readonly AdministrationCommand[] {
  const columns = ['id', 'created', 'eventTypeName', 'linkspan.actorName', 'remoteAddress', 'targetPublicKey'];
  return [
    {
      name: 'list',
      summary: 'List audit events, the newest first',
      operation: list,
      flags: [
        { name: 'type', description: 'Types of events, separated by commas', kind: 'list', query: 'eventType' },
        { name: 'actor', description: 'Public key, client id or host name of an agent', query: 'actorName' },
        {
          name: 'targetKind',
          description: `Kind of what was changed: ${KINDS}`,
          query: 'targetKind',
          isEnumerated: true,
        },
        { name: 'targetId', description: 'Id, name or host of what was changed', query: 'targetId' },
        { name: 'minDate', description: 'Only events at or after this time', query: 'minDate' },
        { name: 'maxDate', description: 'Only events at or before this time', query: 'maxDate' },
        ...paging,
      ],
      columns,
    },
    {
      name: 'describe',
      summary: 'Show an audit event',
      operation: describe,
      argument: 'eventId',
      columns,
    },
  ];
}
