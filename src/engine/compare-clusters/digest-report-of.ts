import type { Timestamp } from 'mongodb';
import { version } from '../../platform/index.ts';
import type { SideCatalog, SideEntry } from '../compare/side-catalog.ts';
import type { ClusterDescription } from '../preflight/inspect-cluster.ts';
import { claimOf, explain } from './digest-claim.ts';
import type { CollectionDigest } from './digest-collection.ts';
import { changedAccounts, changedNamespaces, digestedEntry, digestedView, isView, totalsOf } from './digest-entries.ts';
import type { DigestedEntry, DigestReport } from './digest-report.ts';

interface Definitions {
  readonly catalog: SideCatalog;
  readonly accounts: DigestReport['accounts'];
}

/** The entries that a run has read. */
export interface FoundByDigest {
  readonly before: Definitions;
  /**
   * Undefined when the run was stopped. `time` is how far writes were watched, if they were; `oplogRead`, whether those
   * were searched for that no change stream shows.
   */
  readonly after: (Definitions & { readonly time: Timestamp | undefined; readonly oplogRead: boolean }) | undefined;
  readonly clusterTime: Timestamp;
  readonly digests: ReadonlyMap<SideEntry, CollectionDigest>;
  /** Whether a write to the entry was seen; null when writes could not be seen. */
  readonly wasWritten: (entry: SideEntry) => boolean | null;
}

/** The fields of a report that no read gives. */
interface DigestFrame {
  readonly cluster: ClusterDescription;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly selection: DigestReport['selection'];
}

/** Returns the report of a run. */
export function digestReportOf(
  { before, after, clusterTime, digests, wasWritten }: FoundByDigest,
  { cluster, startedAtMs, endedAtMs, selection }: DigestFrame,
): DigestReport {
  const collections = [...before.catalog.values()].flatMap((entry): DigestedEntry[] => {
    if (isView(entry)) return [digestedView(entry)];
    const digest = digests.get(entry);
    return digest === undefined ? [] : [digestedEntry(entry, digest, wasWritten(entry))];
  });
  const catalogChanged =
    after === undefined
      ? []
      : [...changedNamespaces(before.catalog, after.catalog), ...changedAccounts(before.accounts, after.accounts)];
  const oplogRead = after?.oplogRead ?? false;
  const claim = after === undefined ? 'UNFINISHED' : claimOf(collections, catalogChanged);
  return {
    type: 'linkspan digest',
    formatVersion: 1,
    linkspanVersion: version,
    claim,
    explanation: explain(claim, collections, { catalogChanged, oplogRead }),
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: new Date(endedAtMs).toISOString(),
    cluster: {
      replicaSetId: cluster.clusterId,
      ...(cluster.sharded ? { sharded: true as const } : {}),
      primary: cluster.primary,
      mongoDBVersion: cluster.mongoDBVersion,
      featureCompatibilityVersion: cluster.featureCompatibilityVersion,
    },
    selection,
    clusterTime: shownTime(clusterTime),
    endTime: after?.time === undefined ? null : shownTime(after.time),
    oplogRead,
    catalogChanged,
    collections,
    accounts: after === undefined ? null : before.accounts,
    totals: totalsOf(collections, digests),
  };
}

function shownTime(time: Timestamp): DigestReport['clusterTime'] {
  return { t: time.t, i: time.i };
}
