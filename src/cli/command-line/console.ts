import { existsSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { registerStaticFiles } from '../../http/index.ts';
import { ownFile } from '../../platform/index.ts';

/** Where `npm run build` puts the console. */
const BUILT = ownFile('dist/console');

/**
 * Serves a page of the console under `/`.
 * @param page  `index.html` for the control plane, `sync.html` for a stand-alone migration
 * @returns whether the console is built; when it isn't, `/` stays unknown
 */
export function serveConsole(app: FastifyInstance, page: 'index.html' | 'sync.html'): boolean {
  const isBuilt = existsSync(BUILT);
  if (isBuilt) registerStaticFiles(app, BUILT, page);
  return isBuilt;
}
