import { existsSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { registerStaticFiles } from '../../http/index.ts';
import { ownFile } from '../../platform/index.ts';

/** Where `npm run build` puts the console. */
const BUILT = ownFile('dist/console');

/** Serves the console under `/`. @returns whether it is built; when it isn't, `/` stays unknown */
export function serveConsole(app: FastifyInstance): boolean {
  const isBuilt = existsSync(BUILT);
  if (isBuilt) registerStaticFiles(app, BUILT);
  return isBuilt;
}
