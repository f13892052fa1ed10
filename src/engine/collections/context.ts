import type { Timestamp } from 'mongodb';
import type { UsersAndRoles } from '../accounts/users-and-roles.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import type { DocumentFilters } from '../scope/document-filters.ts';
import type { NamespaceMap } from '../scope/namespace-map.ts';
import type { Selection } from '../scope/selection.ts';
import type { MadeViews } from './made-views.ts';
import type { SeenChanges } from './seen-changes.ts';
import type { TrackedCollection } from './tracked-collection.ts';
import type { UnconfirmedDrops } from './unconfirmed-drops.ts';

/** The selection of a run, and the collections, views and accounts in it. */
export interface Migrated {
  readonly selection: Selection;
  readonly namespaces: NamespaceMap;
  readonly documentFilters: DocumentFilters;
  /** By source UUID in hexadecimal. */
  readonly tracked: Map<string, TrackedCollection>;
  readonly views: MadeViews;
  readonly drops: UnconfirmedDrops;
  readonly accounts: UsersAndRoles;
  /** Whether users and roles are migrated. */
  readonly movesAccounts: boolean;
}

/** The dispatcher's position. Reads at or after it see everything dispatched. */
export interface StreamPosition {
  /** Cluster time of the last dispatched change, or of the stream's start. */
  time: Timestamp;
  /** The number of the batch that is dispatched now, or was dispatched last. */
  sequence: number;
}

/** The progress of the dispatcher through the change stream. */
export interface Dispatched {
  readonly position: StreamPosition;
  /** Changes of migrated documents. Those of a filtered collection are noted when they are applied. */
  readonly seen: SeenChanges;
}

/** The context of a run. A function that uses few of the groups takes an intersection of them, such as `Clusters & Pace`. */
export interface RunContext extends Clusters, Records, Pace, Telling, Migrated, Dispatched {
  /** Whether the cutover fixes a position for the opposite direction. */
  readonly isReversible: boolean;
}
