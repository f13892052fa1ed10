import type { ServerDescription } from 'mongodb';

/** Sets of tags of which a member has to have one; an empty set fits every member. */
export type TagSets = readonly Readonly<Record<string, string>>[];

/** Reads would wait for a secondary that is further behind its primary. */
const MOST_LAG_MS = 30_000;

/**
 * Returns the address of the secondary to read from: the latest one while it will do, because its cache has what comes next, else the
 * nearest one.
 * @param latest  the one that was read from last
 * @returns undefined when none will do
 */
export function fitMember(
  servers: readonly Pick<ServerDescription, 'address' | 'type' | 'tags' | 'lastWriteDate' | 'roundTripTime'>[],
  tagSets: TagSets,
  latest: string | undefined,
): string | undefined {
  const primary = servers.find(({ type }) => type === 'RSPrimary');
  if (primary === undefined) return undefined;
  const fit = servers
    .filter(({ type, lastWriteDate = 0, tags }) => {
      const hasTags = tagSets.some((set) => Object.entries(set).every(([name, value]) => tags[name] === value));
      // rule: leave-lagging-member
      const isCurrent = (primary.lastWriteDate ?? 0) - lastWriteDate <= MOST_LAG_MS;
      return type === 'RSSecondary' && hasTags && isCurrent;
    })
    .toSorted((one, other) => one.roundTripTime - other.roundTripTime);
  return (fit.find(({ address }) => address === latest) ?? fit[0])?.address;
}
