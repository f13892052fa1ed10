import type { DigestClaim, DigestedCollection, DigestedEntry } from './digest-report.ts';

/** The most namespaces that an explanation names. */
const NAMED = 5;

/** Returns what the digests of a complete run prove. */
export function claimOf(entries: readonly DigestedEntry[], catalogChanged: readonly string[]): DigestClaim {
  const loose = entries.filter(isCollection).filter(({ atClusterTime }) => !atClusterTime);
  // rule: digest-notices-catalog-changes
  if (catalogChanged.length > 0 || loose.some(({ written }) => written)) return 'CHANGED_MEANWHILE';
  // rule: digest-of-unseen-writes
  if (loose.some(({ written }) => written === null)) return 'UNKNOWN';
  return loose.length === 0 ? 'AT_CLUSTER_TIME' : 'WITHOUT_WRITES';
}

/** Returns the claim in words for a person, with the namespaces that it depends on. */
export function explain(
  claim: DigestClaim,
  entries: readonly DigestedEntry[],
  { catalogChanged, oplogRead }: { readonly catalogChanged: readonly string[]; readonly oplogRead: boolean },
): string {
  const collections = entries.filter(isCollection);
  const loose = collections.filter(({ atClusterTime }) => !atClusterTime);
  switch (claim) {
    case 'AT_CLUSTER_TIME': {
      const written = collections.filter((one) => one.written);
      const watched = collections.every(({ written }) => written !== null);
      const after =
        written.length > 0
          ? ` Writes came after that time, to ${named(written)}.`
          : watched
            ? ' No write came after it while the digest was made.'
            : ' No one could see whether writes came after it.';
      return `The digests are those of one moment: the cluster time of this report.${after}`;
    }
    case 'WITHOUT_WRITES':
      return `No write to ${named(loose)} was seen while they were read, and everything else was read at the cluster time. The digests hold from the cluster time of this report to its end time.${oplogRead ? '' : ' The oplog could not be read: they do not hold if another client wrote there with applyOps, which no change stream shows.'}`;
    case 'CHANGED_MEANWHILE': {
      const changed = [...new Set([...catalogChanged, ...loose.filter(({ written }) => written).map(namespaceOf)])];
      return `The report proves nothing about ${names(changed)}: changed while they were read. Stop the writes and run the command again.`;
    }
    case 'UNKNOWN':
      return `The report proves nothing about ${named(loose)} unless no one wrote to them meanwhile: they could not be read at one cluster time, and the user may not open a change stream that would show writes.`;
    case 'UNFINISHED':
      return 'The command was stopped before it had read everything. The report proves nothing about the cluster as a whole.';
  }
}

function isCollection(entry: DigestedEntry): entry is DigestedCollection {
  return entry.type !== 'view';
}

function namespaceOf({ namespace }: DigestedEntry): string {
  return namespace;
}

function named(entries: readonly DigestedEntry[]): string {
  return names(entries.map(namespaceOf));
}

function names(namespaces: readonly string[]): string {
  const more = namespaces.length - NAMED;
  return more > 0 ? `${namespaces.slice(0, NAMED).join(', ')} and ${more} more` : namespaces.join(', ');
}
