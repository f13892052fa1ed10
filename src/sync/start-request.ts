import { z } from 'zod';
import type { NamespaceFilters } from '../engine/index.ts';
import { UserError } from '../platform/index.ts';
import { type ClusterName, clusterNames } from './clusters.ts';

/** The direction that `/start` asks for. */
export interface Direction {
  readonly source: ClusterName;
  readonly destination: ClusterName;
}

/** What `/start` asks for. */
export interface StartRequest extends Direction {
  readonly filters?: NamespaceFilters;
}

const pattern = z.strictObject({ pattern: z.string(), options: z.string().optional() });

const namespaceFilters = z.array(
  z.strictObject({
    database: z.string().optional(),
    databaseRegex: pattern.optional(),
    collections: z.array(z.string()).optional(),
    collectionsRegex: pattern.optional(),
  }),
);

const cluster = z.enum(clusterNames);

const startBody = z.looseObject({
  source: cluster,
  destination: cluster,
  buildIndexes: z.string().optional(),
  detectRandomId: z.boolean().optional(),
  skipDiskSpaceCheck: z.boolean().optional(),
  reversible: z.boolean().optional(),
  preExistingDestinationData: z.boolean().optional(),
  verification: z.strictObject({ enabled: z.boolean().optional() }).optional(),
  includeNamespaces: namespaceFilters.optional(),
  excludeNamespaces: namespaceFilters.optional(),
});

/**
 * Reads the body of `/start`. A field that would change what is migrated is never ignored: it has the one supported value, or it is refused.
 * @throws UserError INVALID_REQUEST or UNSUPPORTED_FIELD, naming the field
 */
export function parseStartRequest(body: unknown): StartRequest {
  const parsed = startBody.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = issue?.path.join('.');
    throw new UserError('INVALID_REQUEST', [`${name ? `${name}: ` : ''}${issue?.message ?? 'not an object'}`]);
  }
  const request = parsed.data;
  if (request.source === request.destination)
    throw new UserError('INVALID_REQUEST', ['source and destination are the same']);
  const refuse = (field: string, why: string) => new UserError('UNSUPPORTED_FIELD', [field, why]);
  if (request.buildIndexes !== undefined && request.buildIndexes !== 'afterDataCopy') {
    throw refuse('buildIndexes', 'indexes are always built after the data is copied (afterDataCopy)');
  }
  if (request.reversible) throw refuse('reversible', 'there is no way back after the commit yet');
  if (request.preExistingDestinationData) throw refuse('preExistingDestinationData', 'the destination has to be empty');
  for (const field of Object.keys(request)) {
    if (!Object.hasOwn(startBody.shape, field)) throw refuse(field, 'Linkspan does not know it');
  }
  const { source, destination, includeNamespaces: include, excludeNamespaces: exclude } = request;
  return include?.length || exclude?.length
    ? { source, destination, filters: { include, exclude } }
    : { source, destination };
}

/** @throws UserError INVALID_REQUEST when the body of a call without parameters is not `{}` (or empty) */
export function requireEmptyBody(body: unknown): void {
  const empty = z.strictObject({}).safeParse(body === undefined ? {} : body);
  if (!empty.success) throw new UserError('INVALID_REQUEST', ['this call takes no parameters, its body is {}']);
}
