import type { Clock, Logger } from '../../platform/index.ts';
import type { ClusterAddress } from '../mongodb/connect.ts';
import type { DocumentFilter } from './document-filters.ts';
import type { NamespaceRemap } from './namespace-map.ts';
import type { NamespaceFilters } from './selection.ts';

export interface MigrationOptions {
  /** 24-hex; names the checkpoint on the destination. Starting with the id of an unfinished migration goes on with it. */
  readonly migrationId: string;
  readonly source: ClusterAddress;
  readonly destination: ClusterAddress;
  /** Permission to drop every user database of the destination first. */
  readonly dropDestination: boolean;
  /**
   * The destination may have data, and keeps it: only names that it does not have are written, it is not blocked, and nothing but what the
   * migration made is ever changed or dropped. Wins over `dropDestination`. Fixed once a migration has begun.
   */
  readonly keepDestination?: boolean;
  /** Copy, index, catch up to one barrier, restore the original indexes and end, without blocking anybody's writes. */
  readonly once?: boolean;
  /**
   * Whether drops are followed whatever they take. Without it, those that take more than half of the migration's collections or documents
   * within a minute wait until somebody confirms them.
   */
  readonly confirmDrops?: boolean;
  /** A cluster that cannot be reached is waited for, at the start, too: the migration may have begun long ago. By default that is an error at once. */
  readonly waitForClusters?: boolean;
  /**
   * Whether to take a migration that another engine wrote to within the last 30 s; false by default. That engine then stops. One whose process on
   * this host has ended needs no taking over.
   */
  readonly takeOver?: boolean;
  /** Whether a destination whose disk seems too small is tried all the same. */
  readonly skipDiskSpaceCheck?: boolean;
  /** What of the source is migrated; everything by default. */
  readonly filters?: NamespaceFilters;
  /** Whether users and custom roles come over, too, at the cutover. */
  readonly usersAndRoles?: boolean;
  /** Of which collections only matching documents are migrated, by their names on the source at the start. Fixed once a migration has begun. */
  readonly documentFilters?: readonly DocumentFilter[];
  /** Other names on the destination, for whole databases and for single collections; the source's own by default. Fixed once a migration has begun. */
  readonly namespaceRemap?: readonly NamespaceRemap[];
  /** Aimed size of an `_id` range of the copy, which is the unit of work in parallel; 256 MiB by default. */
  readonly partitionBytes?: number;
  /** Upper limit of the initial copy in bytes a second; none by default. */
  readonly copyBytesPerSecond?: number;
  /** What the process may take in all, in bytes; 512 MB by default, at least 384 MB. */
  readonly memoryBytes?: number;
  /** What a cutover does about writes of users who bypass the source's write block; `drain` by default. Either way it is tried again. */
  readonly bypassingWrites?: BypassingWrites;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** What becomes of a cutover when somebody writes to the blocked source: `drain` takes the writes over and looks again, for 60 s at most. */
export type BypassingWrites = 'drain' | 'giveUp';

/** All that is fixed once a migration has begun, as one text to compare by. */
export function selectionOf(options: MigrationOptions): string {
  const { filters = {}, documentFilters = [], namespaceRemap = [], keepDestination = false } = options;
  return JSON.stringify({ filters, documentFilters, namespaceRemap, keepDestination });
}
