import { z } from 'zod';
import { createLinkToken, deleteLinks } from '../control/index.ts';
import { agentName } from '../link/index.ts';
import { address } from './address.ts';
import { defineOperation } from './operation.ts';

/** Each further host needs connections to both clusters, and one of them leads. */
const MAX_HOSTS = 5;
/** More addresses than any gateway has; the limit keeps the check of a token's list fast. */
const MAX_ADDRESSES = 200;

const targetOrgRequest = z
  .strictObject({
    accessListIps: z.array(address).max(MAX_ADDRESSES).nullish().meta({
      description: 'Addresses from which agents may connect with this token. An absent or empty list allows all.',
    }),
    migrationHost: agentName.nullish().meta({
      description:
        'Extension. The only host that may redeem the token. Its agent may also replace a linked agent with this host name.',
    }),
    linkspan: z
      .strictObject({
        hosts: z.int().min(1).max(MAX_HOSTS).optional().meta({
          description:
            'How many agents may redeem the token, each on a host of its own; 1 by default. They stand by for each other.',
        }),
      })
      .meta({ id: 'LinkspanTargetOrgRequest' })
      .nullish()
      .meta({ description: 'Extension.', 'x-linkspan-extension': true }),
  })
  .refine(({ migrationHost, linkspan }) => !migrationHost || (linkspan?.hosts ?? 1) === 1, {
    message: 'a token for one named host is for 1 host',
    path: ['linkspan', 'hosts'],
  })
  .meta({ id: 'TargetOrgRequest' });

const targetOrg = z
  .object({ linkToken: z.string().meta({ description: 'Shown once. Start an agent near the source with it.' }) })
  .meta({ id: 'TargetOrg' });

export type LinkToken = z.output<typeof targetOrg>;

export const linkTokenOperations = [
  defineOperation({
    operationId: 'createOrgLiveMigrationLinkToken',
    summary: 'Create one link-token',
    // Atlas's specification says 200; every recorded answer is 201.
    status: 201,
    role: 'ORG_OWNER',
    versions: [{ version: '2023-01-01', body: targetOrgRequest }],
    response: targetOrg,
    handle: async ({ control, actor, path, body }) => ({
      linkToken: await createLinkToken(control, actor, path('orgId'), {
        accessListIps: body.accessListIps ?? [],
        host: body.migrationHost ?? null,
        hosts: body.linkspan?.hosts ?? 1,
      }),
    }),
  }),
  defineOperation({
    operationId: 'deleteOrgLiveMigrationLinkTokens',
    summary: 'End all links and unredeemed link-tokens of one organization',
    status: 204,
    versions: [{ version: '2023-01-01' }],
    handle: async ({ control, actor, path }) => {
      await deleteLinks(control, actor, path('orgId'));
    },
  }),
];
