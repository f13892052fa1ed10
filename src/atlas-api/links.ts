import { z } from 'zod';
import { listLinks } from '../control/index.ts';
import { atlasDate, pageOf } from '../http/index.ts';
import { defineOperation } from './operation.ts';
import { id, page } from './schemas.ts';

const migrationLink = z
  .object({
    id,
    agentId: id,
    migrationHost: z.string().meta({ description: 'What `migrationHosts` of a migration names.' }),
    agentVersion: z.string(),
    agentStatus: z
      .enum(['CONNECTED', 'LOST'])
      .meta({ description: 'LOST when the agent has been silent for 25 seconds.' }),
    accessListIps: z.array(z.string()),
    created: z.iso.datetime(),
    lastSeen: z.iso.datetime().nullable().meta({ description: 'When the agent last reported.' }),
  })
  .meta({ id: 'LinkspanLink' });

export const linkOperations = [
  defineOperation({
    operationId: 'listOrgLiveMigrationLinks',
    summary: 'List the links of one organization to its agents',
    method: 'GET',
    path: '/orgs/{orgId}/liveMigrations/links',
    status: 200,
    extension: true,
    versions: [{ version: '2023-01-01' }],
    query: ['pageNum', 'itemsPerPage', 'includeCount'],
    response: page('LinkspanLink', migrationLink),
    handle: async ({ control, actor, path, query, address }) => {
      const links = await listLinks(control, actor, path('orgId'));
      const shown = links.map(({ link, agent, lost }) => ({
        id: link.id,
        agentId: agent.id,
        migrationHost: agent.host,
        agentVersion: agent.version,
        agentStatus: lost ? 'LOST' : 'CONNECTED',
        accessListIps: link.accessListIps,
        created: atlasDate(link.createdAtMs),
        lastSeen: agent.lastReportAtMs === null ? null : atlasDate(agent.lastReportAtMs),
      }));
      return pageOf(shown, query, address);
    },
  }),
];
