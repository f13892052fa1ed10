import type { VerificationMode } from '../../contract/index.ts';
import type { Clock, Logger } from '../../platform/index.ts';
import type { ClusterAddress } from '../mongodb/connect.ts';
import type { DigestHelper } from './digest-helper.ts';
import type { DocumentFilter } from './document-filters.ts';
import type { NamespaceRemap } from './namespace-map.ts';
import type { NamespaceFilters } from './selection.ts';

export interface MigrationOptions {
  /**
   * 24 hexadecimal digits; the key of the checkpoint on the destination. Starting with the id of an unfinished
   * migration resumes it.
   */
  readonly migrationId: string;
  readonly source: ClusterAddress;
  readonly destination: ClusterAddress;
  /** Permission to drop all user databases of the destination first. */
  readonly dropDestination: boolean;
  /**
   * The destination may have data, and keeps it. The engine then writes only names that the destination doesn't have,
   * doesn't block the destination, and changes or drops nothing that the migration didn't create. Wins over
   * `dropDestination`. Fixed once a migration has begun.
   */
  readonly keepDestination?: boolean;
  /** Copy, index, catch up to one barrier, restore the original indexes and end, without a write block. */
  readonly once?: boolean;
  /**
   * Whether to follow drops of any size. Without it, drops that remove more than half of the migration's collections or
   * documents within a minute wait until an operator confirms them.
   */
  readonly confirmDrops?: boolean;
  /**
   * Whether to wait for a cluster that can't be reached, also at the start: the migration may have begun long ago. By
   * default that is an immediate error.
   */
  readonly waitForClusters?: boolean;
  /**
   * Whether to take over a migration that another engine wrote to within the last 20 s; false by default. That engine
   * then stops. No takeover is needed from an engine whose process on this host has ended.
   */
  readonly takeOver?: boolean;
  /** The request that started the migration, as JSON. The record keeps it for a successor on another host. */
  readonly request?: string;
  /** Whether to start although the destination's disk seems too small. */
  readonly skipDiskSpaceCheck?: boolean;
  /** Whether to start although a server is newer than those that Linkspan knows. */
  readonly acceptUntriedVersion?: boolean;
  /**
   * Whether the destination's changes flow back to the source after the cutover, so that a second cutover returns to
   * it. Both sides' users need the privileges of both sides.
   */
  readonly reversible?: boolean;
  /**
   * How often the migration has been reversed; 0 by default. `ReversibleMigration` sets it, and swaps source and
   * destination for each direction.
   */
  readonly reversals?: number;
  /** The selected namespaces of the source; everything by default. */
  readonly filters?: NamespaceFilters;
  /** Whether the cutover migrates users and custom roles too. */
  readonly usersAndRoles?: boolean;
  /**
   * Collections of which only matching documents are migrated, by their names on the source at the start. Fixed once a
   * migration has begun.
   */
  readonly documentFilters?: readonly DocumentFilter[];
  /**
   * Other names on the destination, for whole databases and for single collections; by default the source's names.
   * Fixed once a migration has begun.
   */
  readonly namespaceRemap?: readonly NamespaceRemap[];
  /** Target size of an `_id` range of the copy, the unit of parallel work; 256 MiB by default. */
  readonly partitionBytes?: number;
  /** Limit of the initial sync in bytes per second; none by default. */
  readonly copyBytesPerSecond?: number;
  /** Memory limit of the process in bytes; 512 MB by default, at least 384 MB. */
  readonly memoryBytes?: number;
  /**
   * How a cutover handles writes of users who bypass the source's write block; `drain` by default. In both cases the
   * engine retries the cutover.
   */
  readonly bypassingWrites?: BypassingWrites;
  /** Whether to compare both sides before the cutover; `repair` by default. */
  readonly verification?: VerificationMode;
  /** Digests ranges beside the destination, so that the verification reads only those that differ; none by default. */
  readonly digests?: DigestHelper;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/**
 * How a cutover reacts when a user writes to the blocked source. `drain` applies the writes and checks again, for 60 s
 * at most.
 */
export type BypassingWrites = 'drain' | 'giveUp';

/** Returns all options that are fixed once a migration has begun, as one text to compare. */
export function selectionOf(options: MigrationOptions): string {
  const { filters = {}, documentFilters = [], namespaceRemap = [], keepDestination = false } = options;
  return JSON.stringify({ filters, documentFilters, namespaceRemap, keepDestination });
}
