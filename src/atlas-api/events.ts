import { z } from 'zod';
import {
  AUDIT_TARGET_KINDS,
  type AuditRecord,
  getEvent,
  isAuditTargetKind,
  listEvents,
  targetDetails,
  verifyEvents,
} from '../control/index.ts';
import { atlasDate, pageOfSome, readWindow } from '../http/index.ts';
import { UserError } from '../platform/index.ts';
import { defineOperation, type OperationRequest, timeOf } from './operation.ts';
import { id, link, page } from './schemas.ts';

const event = z
  .object({
    created: z.iso.datetime(),
    eventTypeName: z.string(),
    groupId: id.optional(),
    id,
    isGlobalAdmin: z.literal(false),
    links: z.array(link),
    orgId: id,
    publicKey: z.string().optional().meta({ description: 'The API key that sent the request.' }),
    remoteAddress: z.string().optional(),
    targetPublicKey: z.string().optional().meta({ description: 'The API key that was changed.' }),
    linkspan: z
      .object({
        actorKind: z.enum(['API_KEY', 'SERVICE_ACCOUNT', 'AGENT', 'SYSTEM']),
        actorName: z.string(),
        details: z.record(z.string(), z.unknown()),
        sequence: z.int().meta({ description: 'A number without gaps over all organizations.' }),
        previousHash: z.string(),
        hash: z.string().meta({ description: 'SHA-256 over the record and the hash of the record before it.' }),
      })
      .meta({ 'x-linkspan-extension': true }),
  })
  .meta({ id: 'Event' });

export type AuditEvent = z.output<typeof event>;

const eventPage = page('Event', event);
const paged = [
  'pageNum',
  'itemsPerPage',
  'includeCount',
  'eventType',
  'minDate',
  'maxDate',
  'actorName',
  'targetKind',
  'targetId',
] as const;

const verification = z
  .object({
    isIntact: z.boolean().meta({ description: 'Whether no record was altered, removed from between or put in.' }),
    records: z.int().nonnegative().meta({ description: 'Records of this organization that were verified.' }),
    problem: z
      .object({ sequence: z.int().meta({ description: 'The first record with a problem.' }), description: z.string() })
      .nullable(),
    verifiedAt: z.iso.datetime(),
  })
  .meta({ id: 'LinkspanAuditVerification', 'x-linkspan-extension': true });

export type AuditVerification = z.output<typeof verification>;

export const eventOperations = [
  defineOperation({
    operationId: 'listOrgEvents',
    summary: 'List the events of one organization, newest first',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: paged,
    response: eventPage,
    handle: (request) => pageOfEvents(request, { orgId: request.path('orgId') }),
  }),
  defineOperation({
    operationId: 'getOrgEvent',
    summary: 'Return one event of an organization',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: event,
    handle: async ({ control, actor, path, address }) =>
      show(await getEvent(control, actor, { orgId: path('orgId') }, path('eventId')), address),
  }),
  defineOperation({
    operationId: 'verifyOrgEvents',
    summary: 'Verify the audit records of the server: their hashes, their order and their MACs',
    status: 200,
    extension: true,
    versions: [{ version: '2023-01-01' }],
    response: verification,
    handle: async ({ control, actor, path }) => {
      const outcome = await verifyEvents(control, actor, path('orgId'));
      const broken = 'broken' in outcome ? outcome.broken : undefined;
      return {
        isIntact: broken === undefined,
        records: outcome.counts.get(path('orgId')) ?? 0,
        problem: broken === undefined ? null : { sequence: broken.sequence, description: broken.problem },
        verifiedAt: atlasDate(control.clock.now()),
      };
    },
  }),
  defineOperation({
    operationId: 'listGroupEvents',
    summary: 'List the events of one project, newest first',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: paged,
    response: eventPage,
    handle: (request) => pageOfEvents(request, { groupId: request.path('groupId') }),
  }),
  defineOperation({
    operationId: 'getGroupEvent',
    summary: 'Return one event of a project',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: event,
    handle: async ({ control, actor, path, address }) =>
      show(await getEvent(control, actor, { groupId: path('groupId') }, path('eventId')), address),
  }),
];

async function pageOfEvents(
  { control, actor, query, address }: OperationRequest<unknown>,
  place: { readonly orgId: string } | { readonly groupId: string },
) {
  const types = query.getAll('eventType').flatMap((text) => text.split(','));
  const [fromMs, untilMs] = [timeOf(query, 'minDate'), timeOf(query, 'maxDate')];
  const actorName = query.get('actorName');
  const target = targetOf(query);
  const scope = {
    ...place,
    ...(types.length > 0 && { eventTypeNames: types }),
    ...(actorName !== null && { actorName }),
    ...(target && { target }),
    ...(fromMs !== undefined && { fromMs }),
    ...(untilMs !== undefined && { untilMs }),
  };
  const { records, total } = await listEvents(control, actor, scope, readWindow(query));
  const results = records.map((record) => show(record, `${address}/${record.id}`));
  return pageOfSome({ results, total }, query, address);
}

/** @throws UserError INVALID_QUERY_PARAMETER for an unknown kind */
function targetOf(query: URLSearchParams) {
  const [kind, id] = [query.get('targetKind'), query.get('targetId')];
  if (kind !== null && !isAuditTargetKind(kind))
    throw new UserError('INVALID_QUERY_PARAMETER', ['targetKind', AUDIT_TARGET_KINDS.join(', ')]);
  if (kind === null && id === null) return undefined;
  return { details: targetDetails(kind ?? undefined), ...(id !== null && { id }) };
}

function show(record: AuditRecord, href: string): z.output<typeof event> {
  const { details, groupId, remoteAddress, actorKind, actorName, sequence, previousHash, hash } = record;
  const { targetPublicKey } = details;
  return {
    created: atlasDate(record.createdAtMs),
    eventTypeName: record.eventTypeName,
    ...(groupId === null ? {} : { groupId }),
    id: record.id,
    isGlobalAdmin: false,
    links: [{ href, rel: 'self' }],
    orgId: record.orgId,
    ...(actorKind === 'API_KEY' ? { publicKey: actorName } : {}),
    ...(remoteAddress === null ? {} : { remoteAddress }),
    ...(typeof targetPublicKey === 'string' ? { targetPublicKey } : {}),
    linkspan: { actorKind, actorName, details, sequence, previousHash, hash },
  };
}
