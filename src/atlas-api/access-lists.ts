import { z } from 'zod';
import {
  type AccessListEntry,
  addToAccessList,
  blockOf,
  getAccessListEntry,
  type ListOwner,
  listAccessList,
  MOST_ENTRIES,
  removeFromAccessList,
} from '../control/index.ts';
import { atlasDate, issueOf, pageOf } from '../http/index.ts';
import { address } from './address.ts';
import { defineOperation, type OperationRequest } from './operation.ts';
import { link, page, readOnly } from './schemas.ts';

/** Exactly one of cidrBlock and ipAddress is required. */
const entryRequest = z
  .strictObject({
    cidrBlock: address.optional(),
    ipAddress: address.optional(),
    createdAt: readOnly,
    lastUsedAddress: readOnly,
    lastUsedAt: readOnly,
    requestCount: readOnly,
  })
  .check((context) => {
    const { cidrBlock, ipAddress } = context.value;
    if ((cidrBlock === undefined) !== (ipAddress === undefined)) return;
    const problem = cidrBlock === undefined ? 'ipAddress or cidrBlock is required' : 'ipAddress excludes cidrBlock';
    context.issues.push({ ...issueOf('VALIDATION_ERROR', [problem]), input: context.value });
  })
  .transform(({ cidrBlock, ipAddress }) => cidrBlock ?? ipAddress ?? '')
  .meta({ id: 'UserAccessListRequest' });
const request = z.array(entryRequest).min(1).max(MOST_ENTRIES);

const shownEntry = { cidrBlock: z.string(), ipAddress: z.string().optional() };
const keyEntry = z
  .object({ ...shownEntry, created: z.iso.datetime(), links: z.array(link) })
  .meta({ id: 'UserAccessListResponse' });
const accountEntry = z
  .object({ ...shownEntry, createdAt: z.iso.datetime() })
  .meta({ id: 'ServiceAccountIPAccessListEntry' });

const keyPage = page('ApiUserAccessListResponse', keyEntry);
const accountPage = page('ServiceAccountIPAccessEntry', accountEntry);

const keyOf = ({ path }: OperationRequest<unknown>): ListOwner => ({
  orgId: path('orgId'),
  apiKeyId: path('apiUserId'),
});
const accountOf = ({ path }: OperationRequest<unknown>): ListOwner => ({
  orgId: path('orgId'),
  clientId: path('clientId'),
});

export const accessListOperations = [
  defineOperation({
    operationId: 'listOrgApiKeyAccessListEntries',
    summary: 'List the access list of one API key',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
    response: keyPage,
    handle: async (asked) =>
      keyPageOf(await listAccessList(asked.control, asked.actor, keyOf(asked)), asked.query, asked.address),
  }),
  defineOperation({
    operationId: 'createOrgApiKeyAccessListEntry',
    summary: 'Add addresses and blocks to the access list of one API key',
    status: 200,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: request }],
    response: keyPage,
    handle: async (asked) =>
      keyPageOf(
        await addToAccessList(asked.control, asked.actor, keyOf(asked), asked.body),
        asked.query,
        asked.address,
      ),
  }),
  defineOperation({
    operationId: 'getOrgApiKeyAccessListEntry',
    summary: 'Return one access list entry of one API key',
    status: 200,
    versions: [{ version: '2023-01-01' }],
    response: keyEntry,
    handle: async (asked) => {
      const entry = await getAccessListEntry(asked.control, asked.actor, keyOf(asked), asked.path('ipAddress'));
      return showKeyEntry(entry, asked.address);
    },
  }),
  defineOperation({
    operationId: 'deleteOrgApiKeyAccessListEntry',
    summary: 'Remove one access list entry of one API key',
    status: 204,
    versions: [{ version: '2023-01-01' }],
    handle: (asked) => removeFromAccessList(asked.control, asked.actor, keyOf(asked), asked.path('ipAddress')),
  }),
  defineOperation({
    operationId: 'listOrgServiceAccountAccessList',
    summary: 'List the access list of one service account',
    status: 200,
    versions: [{ version: '2024-08-05' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
    response: accountPage,
    handle: async (asked) => {
      const list = await listAccessList(asked.control, asked.actor, accountOf(asked));
      return pageOf(list.map(showAccountEntry), asked.query, asked.address);
    },
  }),
  defineOperation({
    operationId: 'createOrgServiceAccountAccessList',
    summary: 'Add addresses and blocks to the access list of one service account',
    status: 201,
    role: 'ORG_OWNER',
    versions: [{ version: '2024-08-05', body: request }],
    response: accountPage,
    handle: async (asked) => {
      const list = await addToAccessList(asked.control, asked.actor, accountOf(asked), asked.body);
      return pageOf(list.map(showAccountEntry), asked.query, asked.address);
    },
  }),
  defineOperation({
    operationId: 'deleteOrgServiceAccountAccessListEntry',
    summary: 'Remove one access list entry of one service account',
    status: 204,
    versions: [{ version: '2024-08-05' }],
    handle: (asked) => removeFromAccessList(asked.control, asked.actor, accountOf(asked), asked.path('ipAddress')),
  }),
];

function keyPageOf(list: readonly AccessListEntry[], query: URLSearchParams, address: string) {
  const hrefOf = (entry: AccessListEntry) => `${address}/${encodeURIComponent(blockOf(entry.address))}`;
  return pageOf(
    list.map((entry) => showKeyEntry(entry, hrefOf(entry))),
    query,
    address,
  );
}

function showKeyEntry(entry: AccessListEntry, href: string): z.output<typeof keyEntry> {
  return { ...showAddress(entry), created: atlasDate(entry.createdAtMs), links: [{ href, rel: 'self' }] };
}

function showAccountEntry(entry: AccessListEntry): z.output<typeof accountEntry> {
  return { ...showAddress(entry), createdAt: atlasDate(entry.createdAtMs) };
}

export function showAddress({ address }: AccessListEntry): { cidrBlock: string; ipAddress?: string } {
  const cidrBlock = blockOf(address);
  const [ipAddress, prefix] = cidrBlock.split('/');
  const isOne = prefix === (cidrBlock.includes(':') ? '128' : '32');
  return isOne ? { cidrBlock, ipAddress } : { cidrBlock };
}
