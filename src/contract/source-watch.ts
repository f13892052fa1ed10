import { z } from 'zod';
import { dateOf } from './dates.ts';
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
  rawData: z.literal(true).optional().meta({
    description: 'Whether the stream of the source shows the buckets of time series only with `rawData`.',
  }),
  namespaces: listOf(z.string()).meta({ description: 'The first namespaces with such changes.' }),
  ended: z.string().optional().meta({
    description: 'Absent while it continues; `over`: its time is over, and nothing was missed; else why it ended.',
  }),
});

/** Where the watch of a source begins: the stream's position at the commit, and the engine's knowledge of the source. */
export const watchStart = sourceWatch.pick({ sourceId: true, token: true, accounts: true, rawData: true });

export type AccountsDigest = z.output<typeof accountsDigest>;
export type WatchStart = z.output<typeof watchStart>;
export type SourceWatchState = z.output<typeof sourceWatch>;
export type ShownSourceWatch = z.output<typeof shownSourceWatch>;

/** The watch without the fields that only its agent needs. */
export const shownSourceWatch = sourceWatch.omit({ sourceId: true, token: true, accounts: true, rawData: true });

/** Returns the state of a watch that begins at the commit. @param until  its end, in UTC */
export function newWatch(start: WatchStart, until: string): SourceWatchState {
  // After its type, a token begins with the seconds of its cluster time.
  const watchedTo = dateOf(Number.parseInt(start.token.slice(2, 10), 16) * 1_000);
  return { ...start, until, watchedTo, changes: 0, namespaces: [] };
}

/** Returns a watch as the APIs show it. */
export function showSourceWatch({ until, watchedTo, changes, namespaces, ended }: SourceWatchState): ShownSourceWatch {
  return { until, watchedTo, changes, namespaces, ...(ended !== undefined && { ended }) };
}
