import type { CompressionMode, VerificationMode } from '../contract/index.ts';

/** How to reach a replica set. */
export interface ClusterAddress {
  /** `mongodb://` or `mongodb+srv://`, with credentials. */
  readonly uri: string;
  /** PEM file on this host with the CA that signed the servers' certificates. */
  readonly tlsCaFile?: string;
  /** Compression of the connections: `auto` by default, where a round trip takes more than 2 ms. */
  readonly compression?: CompressionMode;
}

/** A regular expression with the server's `$regex` syntax. */
export interface NamePattern {
  readonly pattern: string;
  /** Any of i, m, s. */
  readonly options?: string;
}

/** A database by name or pattern, and all of its collections or those given by name or pattern. */
export interface NamespaceFilter {
  readonly database?: string;
  readonly databaseRegex?: NamePattern;
  readonly collections?: readonly string[];
  readonly collectionsRegex?: NamePattern;
}

/** The selected namespaces of the source: first `include`, then `exclude`; without filters everything. */
export interface NamespaceFilters {
  readonly include?: readonly NamespaceFilter[];
  readonly exclude?: readonly NamespaceFilter[];
}

/** Limits one collection to the documents that match a query. */
export interface DocumentFilter {
  readonly database: string;
  readonly collection: string;
  /** A query for `find`, in canonical or relaxed Extended JSON. */
  readonly filter: Readonly<Record<string, unknown>>;
}

/** A database, or one of its collections. */
export interface NamespaceName {
  readonly database: string;
  readonly collection?: string;
}

/** Another name on the destination, for a database or for one of its collections. */
export interface NamespaceRemap {
  readonly from: NamespaceName;
  readonly to: NamespaceName;
}

/** The data of two clusters that a migration or a comparison covers. */
export interface Selection {
  readonly source: ClusterAddress;
  readonly destination: ClusterAddress;
  /** The selected namespaces, by their names on the source; everything by default. */
  readonly filters?: NamespaceFilters;
  /** Collections of which only matching documents are covered, by their names on the source. */
  readonly documentFilters?: readonly DocumentFilter[];
  /** Other names on the destination; by default the source's names. */
  readonly namespaceRemap?: readonly NamespaceRemap[];
  /** Whether users and custom roles are covered too; false by default. */
  readonly usersAndRoles?: boolean;
  /** Receives the lines of the log. Without it there is no log. */
  readonly log?: (entry: LogEntry) => void;
}

/** A line of the log. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  /** The name of its kind, such as `oplog.headroom_low`. Names are stable; docs/reference/log-events.md has all. */
  readonly event: string;
  readonly message: string;
  /** Details of the line. Their names and values are no part of the public interface. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** How a cutover reacts when a user writes to the blocked source. `drain` applies the writes, for 60 s at most. */
export type BypassingWrites = 'drain' | 'giveUp';

/** The load that the initial sync may cause, from 1 (lowest) to 4; 3 by default. */
export type LoadLevel = 1 | 2 | 3 | 4;

/** A migration between two replica sets. The selection is fixed once the migration has begun. */
export interface MigrationOptions extends Selection {
  /**
   * 24 hexadecimal digits, from {@link newMigrationId}; the key of the records on the destination. Keep it: a
   * migration with the id of an unfinished one resumes it.
   */
  readonly migrationId: string;
  /** Whether all databases of users are dropped on the destination first; false by default. */
  readonly dropDestination?: boolean;
  /**
   * Whether the destination keeps the data that it has; false by default. Linkspan then writes only names that the
   * destination doesn't have, and doesn't block it. Wins over `dropDestination`.
   */
  readonly keepDestination?: boolean;
  /** Whether to copy, catch up once and end, without a write block and a cutover; false by default. */
  readonly once?: boolean;
  /** Whether the destination's changes flow back to the source after the cutover, so that a second one returns to it. */
  readonly reversible?: boolean;
  /** Whether to follow drops of any size. By default drops of more than half of the data wait for `confirmDrops`. */
  readonly confirmDrops?: boolean;
  /** Whether to wait for a cluster that can't be reached at the start; by default that is an error. */
  readonly waitForClusters?: boolean;
  /** Whether to take over a migration that another process wrote to within the last 30 s; false by default. */
  readonly takeOver?: boolean;
  /** Whether to start although the destination's disk seems too small; false by default. */
  readonly skipDiskSpaceCheck?: boolean;
  /** Whether to start although a server is newer than those that Linkspan knows; false by default. */
  readonly acceptUntriedVersion?: boolean;
  /** Limit of the initial sync; none by default. */
  readonly copyBytesPerSecond?: number;
  /** Memory that the process may use, in bytes; 512 MB by default, at least 384 MB. */
  readonly memoryBytes?: number;
  /** `drain` by default. */
  readonly bypassingWrites?: BypassingWrites;
  /** `repair` by default. */
  readonly verification?: VerificationMode;
}

/** A comparison of two replica sets. */
export interface VerificationOptions extends Selection {
  /** Whether the destination may have collections that the source doesn't have; false by default. */
  readonly keepDestination?: boolean;
  /** Whether to write the source's documents to the destination where they differ; false by default. */
  readonly repair?: boolean;
  /** Limit of reads on each side; none by default. */
  readonly bytesPerSecond?: number;
  /**
   * How long a difference must last before it counts, 10 s by default. Longer than the lag of the replication that
   * keeps the destination up to date.
   */
  readonly settleMs?: number;
  /** Whether to compare although a server is newer than those that Linkspan knows; false by default. */
  readonly acceptUntriedVersion?: boolean;
}
