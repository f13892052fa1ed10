import { z } from 'zod';
import { count, date, listOf } from './primitives.ts';

/** Digests of all users and of all roles. */
export const accountsDigest = z.object({ user: z.string(), role: z.string() });

/** The position of a change stream, as the data of a resume token. */
export const resumeToken = z.string().regex(/^[0-9A-Fa-f]{18,40000}$/, 'expected the data of a resume token');

/** The watch of a source that stays blocked after the commit, for writes of users who bypass the block. */
export const sourceWatch = z.object({
  sourceId: z.string().optional().meta({
    description: 'The `replicaSetId` of the source; absent before the first contact of a watch that began without it.',
  }),
  token: resumeToken.meta({ description: "The stream's position." }),
  until: date,
  watchedTo: date.meta({ description: "The source's cluster time up to which every change is known." }),
  changes: count.meta({ description: 'Writes to the source after the commit. They are on the source only.' }),
  accounts: accountsDigest
    .optional()
    .meta({ description: "The users and roles that the watch saw last; absent if they aren't migrated." }),
  namespaces: listOf(z.string()).meta({ description: 'The first namespaces with such changes.' }),
  ended: z.string().optional().meta({
    description: 'Absent while it goes on; `over`: its time is over, and nothing was missed; else why it ended.',
  }),
});

export type AccountsDigest = z.output<typeof accountsDigest>;
export type SourceWatchState = z.output<typeof sourceWatch>;
export type ShownSourceWatch = z.output<typeof shownSourceWatch>;

/** The watch without the fields that only its agent needs. */
export const shownSourceWatch = sourceWatch.omit({ sourceId: true, token: true, accounts: true });

/** Returns a watch as the APIs show it. */
export function showSourceWatch({ until, watchedTo, changes, namespaces, ended }: SourceWatchState): ShownSourceWatch {
  return { until, watchedTo, changes, namespaces, ...(ended !== undefined && { ended }) };
}
