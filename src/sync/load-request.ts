import { z } from 'zod';
import { UserError } from '../platform/index.ts';

/** How hard the initial copy may work, as keys of the configuration file. */
export const loadFields = {
  loadLevel: z.literal([1, 2, 3, 4]).optional(),
  maxMegabytesPerSecond: z.number().positive().optional(),
};

/** How hard the initial copy may work at first. */
export type InitialLoad = z.infer<z.ZodObject<typeof loadFields>>;

const body = z.strictObject({ ...loadFields, maxMegabytesPerSecond: loadFields.maxMegabytesPerSecond.nullable() });

/** What `/load` asks for: Linkspan's own call, since mongosync takes a load level at its start only. */
export type LoadRequest = z.infer<typeof body>;

/** @throws UserError INVALID_REQUEST naming the field */
export function parseLoadRequest(request: unknown): LoadRequest {
  const parsed = body.safeParse(request);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = issue?.path.join('.');
  throw new UserError('INVALID_REQUEST', [`${name ? `${name}: ` : ''}${issue?.message ?? 'not an object'}`]);
}
