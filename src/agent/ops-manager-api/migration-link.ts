import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { bodyOf, pathOf, present, readBody, readPresentation, sendTextsAsTheyAre } from '../../http/index.ts';
import { UserError } from '../../platform/index.ts';
import type { MigrationHost } from '../migration-host.ts';

const PATH = '/api/public/v1.0/orgs/:orgId/liveExport/migrationLink';

const linkRequest = z.strictObject({ linkToken: z.string().max(2048) });

/** How long to wait until the control plane has the first report of a new link. The link stays even if it has none by then. */
const SYNC_WITHIN_MS = 5_000;
const REDEEM_WITHIN_MS = 30_000;

/** `POST` and `DELETE …/migrationLink`, `GET …/migrationLink/status`, compatible with Ops Manager's API. */
export function registerMigrationLink(app: FastifyInstance, orgId: string, host: MigrationHost): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const { orgId: asked } = request.params as { readonly orgId?: string };
    done(asked === undefined || asked === orgId ? undefined : new UserError('ORG_NOT_FOUND', [asked]));
  });

  app.post(PATH, async (request, reply) => {
    const { linkToken } = readBody(linkRequest, bodyOf(request));
    await host.link(linkToken, REDEEM_WITHIN_MS);
    await host.untilSynced(AbortSignal.timeout(SYNC_WITHIN_MS));
    return answer(request, reply, 201, host);
  });

  app.get(`${PATH}/status`, (request, reply) => answer(request, reply, 200, host));

  app.delete(PATH, async (_request, reply) => {
    if (!(await host.unlink())) throw new UserError('ORGANIZATION_LINK_NOT_FOUND');
    return reply.code(204).send();
  });
}

function answer(request: FastifyRequest, reply: FastifyReply, status: number, host: MigrationHost): string {
  const presentation = readPresentation(new URLSearchParams(request.url.slice(pathOf(request.url).length)));
  sendTextsAsTheyAre(reply.code(status).header('content-type', 'application/json'));
  return present(status, { status: host.isSynced ? 'SYNCED' : 'NOT_SYNCED' }, presentation);
}
