import { organizationOf } from '../../hooks/index.ts';
import type { HookCursor, HookDelivery } from './hook-records.ts';
import { ACTIVE_STATUSES, isFollowed } from './migration-state.ts';
import type {
  Account,
  Agent,
  AuditKey,
  AuditRecord,
  Cluster,
  DestinationUser,
  Group,
  Link,
  Migration,
  MigrationSample,
  Organization,
  ReportedList,
  Restore,
  RevokedAccessToken,
  ServerKey,
  StoredLinkToken,
  StoredListItem,
  Validation,
} from './records.ts';

/** The records of the store, by kind. */
export interface Records {
  organizations: Organization;
  accounts: Account;
  revokedAccessTokens: RevokedAccessToken;
  serverKeys: ServerKey;
  groups: Group;
  clusters: Cluster;
  linkTokens: StoredLinkToken;
  links: Link;
  agents: Agent;
  validations: Validation;
  migrations: Migration;
  migrationSamples: MigrationSample;
  migrationLists: ReportedList;
  migrationListItems: StoredListItem;
  destinationUsers: DestinationUser;
  restores: Restore;
  auditRecords: AuditRecord;
  auditKeys: AuditKey;
  hookDeliveries: HookDelivery;
  hookCursors: HookCursor;
}

export type Kind = keyof Records;

/** The fields that a query may name: fields of the record, and fields that {@link KINDS} derives from it. */
export interface QueriedFields {
  organizations: Pick<Organization, 'deletedAtMs'>;
  accounts: Pick<Account, 'id' | 'kind' | 'orgId' | 'name'>;
  revokedAccessTokens: Pick<RevokedAccessToken, 'expiresAtMs'>;
  serverKeys: Pick<ServerKey, 'supersededAtMs'>;
  groups: Pick<Group, 'orgId' | 'deletedAtMs'>;
  clusters: Pick<Cluster, 'groupId' | 'name' | 'deletedAtMs'>;
  linkTokens: Pick<StoredLinkToken, 'orgId' | 'redeemedAtMs' | 'deletedAtMs' | 'expiresAtMs'>;
  links: Pick<Link, 'orgId' | 'tokenId' | 'setId' | 'ended' | 'approved'>;
  agents: Pick<Agent, 'linkId'>;
  validations: Pick<Validation, 'groupId' | 'agentId' | 'destinationClusterId' | 'status'>;
  migrations: Pick<Migration, 'orgId' | 'groupId' | 'agentId'> & {
    /** Whether it has not ended: NEW, WORKING, or COMPLETE with a failback that isn't closed. */
    readonly isActive: boolean;
    /** Whether its source is watched after the commit. */
    readonly isWatched: boolean;
    readonly endedAtMs: number | null;
    readonly idempotencyKey: string | null;
  };
  /** `part`: the number of the sample's part of time. */
  migrationSamples: Pick<MigrationSample, 'migrationId' | 'spanMs' | 'atMs'> & { readonly part: number };
  migrationLists: Pick<ReportedList, 'migrationId' | 'list' | 'atMs'>;
  migrationListItems: Pick<StoredListItem, 'migrationId' | 'list'> & Pick<StoredListItem['item'], 'id' | 'namespace'>;
  destinationUsers: Pick<DestinationUser, 'state'>;
  restores: Pick<Restore, 'acknowledgedAtMs'>;
  auditRecords: Pick<
    AuditRecord,
    'sequence' | 'createdAtMs' | 'orgId' | 'groupId' | 'eventTypeName' | 'actorName' | 'details'
  >;
  auditKeys: Pick<AuditKey, 'id'>;
  /** `orgId`: the organization of the event; empty for none. */
  hookDeliveries: Pick<HookDelivery, 'id' | 'hook' | 'subject' | 'createdAtMs' | 'givenUpAtMs'> & {
    readonly orgId: string;
  };
  hookCursors: Pick<HookCursor, 'id'>;
}

/** The fields of a query that are not fields of the record. */
type DerivedField<K extends Kind> = Exclude<keyof QueriedFields[K], keyof Records[K]>;

/** Any field of a record, or derived from it. */
type Field<K extends Kind> = (keyof Records[K] | keyof QueriedFields[K]) & string;

type Declared<K extends Kind> = {
  /** The fields that identify a record; `id` by default. */
  readonly key?: readonly Field<K>[];
  /** The order of lists, by descending importance of the fields: 1 for ascending, -1 for descending. {@link BY_CREATION} by default. */
  readonly order?: { readonly [F in Field<K>]?: 1 | -1 };
  /** The field with a sealed value. */
  readonly sealed?: Field<K>;
} & ([DerivedField<K>] extends [never]
  ? { readonly derived?: never }
  : { readonly derived: { readonly [F in DerivedField<K>]: (record: Records[K]) => QueriedFields[K][F] } });

/** Ids start with the second of their creation. */
const BY_CREATION = { createdAtMs: 1, id: 1 } as const;

/** How each kind is kept. */
const KINDS: { readonly [K in Kind]: Declared<K> } = {
  organizations: {},
  accounts: { sealed: 'verifiers' },
  revokedAccessTokens: {},
  serverKeys: { sealed: 'privateKey' },
  groups: {},
  clusters: { sealed: 'connectionString' },
  linkTokens: {},
  links: {},
  agents: {},
  validations: { sealed: 'password' },
  migrations: {
    sealed: 'password',
    derived: {
      isActive: ({ state }) => ACTIVE_STATUSES.includes(state.status) || isFollowed(state),
      isWatched: ({ state: { sourceWatch } }) => sourceWatch !== undefined && sourceWatch.ended === undefined,
      endedAtMs: ({ state }) => state.endedAtMs,
      idempotencyKey: ({ idempotency }) => idempotency?.key ?? null,
    },
  },
  migrationSamples: {
    key: ['migrationId', 'spanMs', 'part'],
    order: { part: 1 },
    derived: { part: ({ atMs, spanMs }) => Math.floor(atMs / spanMs) },
  },
  migrationLists: { key: ['migrationId', 'list'], order: { migrationId: 1, list: 1 } },
  migrationListItems: {
    key: ['migrationId', 'list', 'id'],
    order: { rank: -1, id: 1 },
    derived: { id: ({ item }) => item.id, namespace: ({ item }) => item.namespace },
  },
  destinationUsers: { sealed: 'password' },
  restores: { order: { number: 1 } },
  auditRecords: { order: { sequence: 1 } },
  auditKeys: { sealed: 'macKey' },
  hookDeliveries: { order: { sequence: 1, hook: 1 }, derived: { orgId: ({ event }) => organizationOf(event) } },
  hookCursors: { order: { id: 1 } },
};

/** How an adapter keeps the records of a kind. */
export interface Keeping {
  readonly key: readonly string[];
  readonly order: Readonly<Record<string, 1 | -1>>;
  readonly sealed: string | undefined;
  readonly derived: Readonly<Record<string, (record: never) => string | number | boolean | null>>;
}

/** All kinds, and how an adapter keeps their records. */
export const KEEPING: ReadonlyMap<Kind, Keeping> = new Map(
  Object.entries(KINDS).map(([kind, { key = ['id'], order = BY_CREATION, sealed, derived = {} }]) => [
    kind as Kind,
    { key, order, sealed, derived },
  ]),
);
