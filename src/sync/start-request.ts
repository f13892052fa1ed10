import { z } from 'zod';
import type { VerificationMode } from '../contract/index.ts';
import { UserError } from '../platform/index.ts';
import { type ClusterName, clusterNames } from './clusters.ts';
import { START_OPTIONS } from './mongosync-options.ts';
import { type RequestedSelection, requestedSelection, selectionFields } from './requested-selection.ts';

/** Direction of a migration, as `/start` requests it. */
export interface Direction {
  readonly source: ClusterName;
  readonly destination: ClusterName;
}

/** The parsed body of `/start`. */
export interface StartRequest extends Direction, RequestedSelection {
  /** Whether to verify; undefined for the setting of the process. */
  readonly verifies?: boolean;
  /** Whether the destination's changes flow back to the source after the commit; undefined for the setting of the process. */
  readonly reversible?: boolean;
}

const cluster = z.enum(clusterNames);

const startBody = z.looseObject({
  source: cluster,
  destination: cluster,
  buildIndexes: z.string().optional(),
  enableUserWriteBlocking: z.union([z.string(), z.boolean()]).optional(),
  detectRandomId: z.boolean().optional(),
  reversible: z.boolean().optional(),
  verification: z.strictObject({ enabled: z.boolean().optional() }).optional(),
  ...selectionFields,
});

/**
 * Parses the body of `/start`. It never ignores a field that would change what is migrated: the field has the supported value or is refused.
 * @throws UserError INVALID_REQUEST or UNSUPPORTED_FIELD, naming the field
 */
export function parseStartRequest(body: unknown): StartRequest {
  const parsed = startBody.safeParse(body ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = issue?.path.join('.');
    throw new UserError('INVALID_REQUEST', [`${name ? `${name}: ` : ''}${issue?.message ?? 'not an object'}`]);
  }
  const request = parsed.data;
  if (request.source === request.destination)
    throw new UserError('INVALID_REQUEST', ['source and destination are the same']);
  const refuse = (field: string, why: string) => new UserError('UNSUPPORTED_FIELD', [field, why]);
  const { source, destination, reversible, verification, buildIndexes, enableUserWriteBlocking = true } = request;
  if (buildIndexes !== undefined && buildIndexes !== 'afterDataCopy')
    throw refuse('buildIndexes', START_OPTIONS.buildIndexes.note);
  if (enableUserWriteBlocking !== true && enableUserWriteBlocking !== 'sourceAndDestination')
    throw refuse('enableUserWriteBlocking', START_OPTIONS.enableUserWriteBlocking.note);
  for (const field of Object.keys(request)) {
    if (Object.hasOwn(startBody.shape, field)) continue;
    const known = Object.entries(START_OPTIONS).find(([name]) => name === field);
    throw refuse(field, known?.[1].note ?? 'Linkspan does not know this field');
  }
  const verifies = verification?.enabled;
  return {
    source,
    destination,
    ...(verifies === undefined ? {} : { verifies }),
    ...(reversible === undefined ? {} : { reversible }),
    ...requestedSelection(request),
  };
}

/** Returns how to verify: a request decides whether, and the setting of the process decides how. */
export function verificationOf(verifies: boolean | undefined, own: VerificationMode = 'REPAIR'): VerificationMode {
  if (verifies === undefined) return own;
  if (!verifies) return 'OFF';
  return own === 'OFF' ? 'REPAIR' : own;
}

/** @throws UserError INVALID_REQUEST if the body of a call without parameters is neither `{}` nor empty */
export function requireEmptyBody(body: unknown): void {
  const empty = z.strictObject({}).safeParse(body === undefined ? {} : body);
  if (!empty.success) throw new UserError('INVALID_REQUEST', ['this call takes no parameters: send the body {}']);
}
