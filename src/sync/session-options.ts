import type { CompressionMode, VerificationMode } from '../contract/index.ts';
import type { BypassingWrites } from '../engine/index.ts';
import type { Clock, Logger } from '../platform/index.ts';
import type { ClusterName, ClusterUris } from './clusters.ts';
import type { InitialLoad } from './load-request.ts';

/** The mode of a migration that runs until its cutover, which is part of its id. */
export const CONTINUOUS = 'continuous';

/** How a session of `linkspan sync` runs its migration. */
export interface SessionOptions {
  readonly uris: ClusterUris;
  /** Compression of the connections to both clusters; `auto` by default. */
  readonly compression?: CompressionMode;
  /** The only side whose databases a start may drop. */
  readonly dropDestination?: ClusterName;
  /** Whether drops of the source are applied however much they remove. */
  readonly confirmDrops?: boolean;
  readonly usersAndRoles?: boolean;
  /** Whether a migration can be reversed after the commit, unless `/start` requests otherwise. */
  readonly reversible?: boolean;
  /** Whether a session whose migration another engine has taken can start again, instead of failing. */
  readonly standby?: boolean;
  /** Whether to take the migration from another engine that runs it. */
  readonly takeOver?: boolean;
  /** Whether to start although a server is newer than those that Linkspan knows. */
  readonly acceptUntriedVersion?: boolean;
  /** Memory limit of the process. */
  readonly memoryBytes?: number;
  /** How a cutover treats writes of users who bypass the source's write block. */
  readonly bypassingWrites?: BypassingWrites;
  /** How to verify, unless `/start` requests otherwise; `repair` by default. */
  readonly verification?: VerificationMode;
  /** Load level and rate limit until `SyncSession.setLoad` changes them. */
  readonly load?: InitialLoad;
  /** Whether to copy, catch up once and end. */
  readonly once: boolean;
  /** How long to watch a blocked source after the commit; 0 for not at all. */
  readonly watchSourceMs?: number;
  /** Warnings about the process, which the progress shows as well. */
  readonly moreWarnings?: () => readonly string[];
  readonly logger: Logger;
  readonly clock?: Clock;
}
