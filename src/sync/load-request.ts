import { z } from 'zod';
import { loadLevel, loadWindows } from '../contract/index.ts';
import { UserError } from '../platform/index.ts';

/** Keys of the configuration file that limit the load. */
export const loadFields = {
  loadLevel: loadLevel.optional(),
  maxMegabytesPerSecond: z.number().positive().optional(),
  loadWindows: loadWindows.optional(),
};

/** Load level, rate limit and hours with a load of their own at the start. */
export type InitialLoad = z.infer<z.ZodObject<typeof loadFields>>;

const body = z.strictObject({ ...loadFields, maxMegabytesPerSecond: loadFields.maxMegabytesPerSecond.nullable() });

/** Body of `/load`. This call is Linkspan's own: mongosync only takes a load level at its start. */
export type LoadRequest = z.infer<typeof body>;

/** @throws UserError INVALID_REQUEST naming the field */
export function parseLoadRequest(request: unknown): LoadRequest {
  const parsed = body.safeParse(request);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = issue?.path.join('.');
  throw new UserError('INVALID_REQUEST', [`${name ? `${name}: ` : ''}${issue?.message ?? 'not an object'}`]);
}
