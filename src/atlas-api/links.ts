import { z } from 'zod';
import { approveLink, listLinks, revokeLink } from '../control/index.ts';
import { atlasDate, pageOf } from '../http/index.ts';
import { defineOperation } from './operation.ts';
import { id, page } from './schemas.ts';

const migrationLink = z
  .object({
    id,
    agentId: id,
    migrationHost: z.string().meta({ description: 'The name to use in `migrationHosts` of a migration.' }),
    status: z.enum(['LINKED', 'PENDING_APPROVAL']).meta({
      description:
        'PENDING_APPROVAL: the agent has the host name of another one, and gets no work until an owner approves it.',
    }),
    agentVersion: z.string(),
    agentStatus: z
      .enum(['CONNECTED', 'LOST'])
      .meta({ description: 'LOST if the agent has not reported for 25 seconds.' }),
    leads: z.int().meta({ description: 'How many active migrations the agent leads.' }),
    standsBy: z.int().meta({
      description:
        'For how many active migrations, which other hosts of the same link-token lead, the agent stands by.',
    }),
    maxMigrations: z
      .int()
      .nullable()
      .meta({ description: 'The most migrations that the agent runs at once; null without a limit.' }),
    accessListIps: z.array(z.string()),
    created: z.iso.datetime(),
    lastSeen: z.iso.datetime().nullable().meta({ description: 'When the agent last reported.' }),
  })
  .meta({ id: 'LinkspanLink' });

export type AgentLink = z.output<typeof migrationLink>;

export const linkOperations = [
  defineOperation({
    operationId: 'listOrgLiveMigrationLinks',
    summary: 'List the links of one organization to its agents',
    status: 200,
    extension: true,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
    response: page('LinkspanLink', migrationLink),
    handle: async ({ control, actor, path, query, address }) => {
      const links = await listLinks(control, actor, path('orgId'));
      const shown = links.map(({ link, agent, contact, leads, standsBy }) => ({
        id: link.id,
        agentId: agent.id,
        migrationHost: agent.host,
        status: link.approved ? ('LINKED' as const) : ('PENDING_APPROVAL' as const),
        agentVersion: agent.version,
        agentStatus: contact.status,
        leads,
        standsBy,
        maxMigrations: agent.maxMigrations,
        accessListIps: link.accessListIps,
        created: atlasDate(link.createdAtMs),
        lastSeen: contact.lastReportAtMs === null ? null : atlasDate(contact.lastReportAtMs),
      }));
      return pageOf(shown, query, address);
    },
  }),
  defineOperation({
    operationId: 'approveOrgLiveMigrationLink',
    summary: 'Approve that one agent replaces another one with its host name',
    status: 204,
    extension: true,
    versions: [{ version: '2023-01-01' }],
    handle: async ({ control, actor, path }) => {
      await approveLink(control, actor, path('orgId'), path('linkId'));
    },
  }),
  defineOperation({
    operationId: 'revokeOrgLiveMigrationLink',
    summary: 'Revoke one link at once: its migrations fail, their database users are dropped, and its watches end',
    status: 204,
    extension: true,
    versions: [{ version: '2023-01-01' }],
    handle: async ({ control, actor, path }) => {
      await revokeLink(control, actor, path('orgId'), path('linkId'));
    },
  }),
];
