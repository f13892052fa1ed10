import type {
  Agent,
  ApiKey,
  AuditKey,
  AuditRecord,
  Cluster,
  DestinationUser,
  Group,
  HookDelivery,
  Link,
  ListItems,
  ListName,
  Migration,
  MigrationSample,
  Organization,
  PutBack,
  ReportedList,
  Restore,
  RevokedAccessToken,
  ServerKey,
  ServiceAccount,
  StoredLinkToken,
  StoredListItem,
  Validation,
} from './records.ts';
import type { Sealed, SealedPlace } from './sealer.ts';

/**
 * The store of the control plane. Its contract, which `test/store/conformance.ts` runs against every adapter:
 *
 * 1. `write` is atomic and serializable: no other write changes its data meanwhile, and it commits completely or not at all.
 * 2. A `write` that resolved is durable: it survives SIGKILL and power loss. A `write` whose work threw has changed nothing.
 * 3. The work of a `write` awaits only the transaction's own methods, and has no other effect. An adapter may run several works
 *    together, and may run one again.
 * 4. Reads outside of a write see committed data as soon as the write has resolved. Two reads may see different states.
 * 5. Lists are in the order of creation, without deleted records. Records are returned as stored; a missing record is `undefined`.
 */
export interface Store extends StoreReader, AsyncDisposable {
  /**
   * Why this store counts as a restored older copy; null when it continues from its last write. An adapter reports it at each opening until
   * a {@link Restore} is inserted.
   */
  readonly putBack: PutBack | null;
  write<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T>;
}

export interface StoreReader {
  organization(id: string): Promise<Organization | undefined>;
  /** Organizations that are not deleted. */
  organizations(): Promise<Organization[]>;
  apiKey(publicKey: string): Promise<ApiKey | undefined>;
  apiKeysOf(orgId: string): Promise<ApiKey[]>;
  serviceAccount(clientId: string): Promise<ServiceAccount | undefined>;
  serviceAccountsOf(orgId: string): Promise<ServiceAccount[]>;
  revokedAccessToken(id: string): Promise<RevokedAccessToken | undefined>;
  serverKeys(): Promise<ServerKey[]>;
  /** Also finds a deleted group. */
  group(id: string): Promise<Group | undefined>;
  groupsOf(orgId: string): Promise<Group[]>;
  /** Also finds a deleted cluster. */
  cluster(id: string): Promise<Cluster | undefined>;
  clustersOf(groupId: string): Promise<Cluster[]>;
  clusterNamed(groupId: string, name: string): Promise<Cluster | undefined>;
  linkToken(id: string): Promise<StoredLinkToken | undefined>;
  /** Link-tokens that are neither redeemed nor deleted, including expired ones. */
  openLinkTokensOf(orgId: string): Promise<StoredLinkToken[]>;
  /** How many link-tokens can be redeemed at a time. */
  countLinkTokensOf(orgId: string, atMs: number): Promise<number>;
  link(id: string): Promise<Link | undefined>;
  linkOfToken(tokenId: string): Promise<Link | undefined>;
  /** Links that have not ended, including those that wait for approval. */
  openLinksOf(orgId: string): Promise<Link[]>;
  agent(id: string): Promise<Agent | undefined>;
  agentOfLink(linkId: string): Promise<Agent | undefined>;
  /** Agents whose link is approved and has not ended. */
  linkedAgentsOf(orgId: string): Promise<Agent[]>;
  validation(id: string): Promise<Validation | undefined>;
  /** The newest validation into a cluster of that name, even a deleted one, that has not failed. */
  lastValidationInto(groupId: string, clusterName: string): Promise<Validation | undefined>;
  /** An agent's validations that are PENDING. */
  pendingValidationsOf(agentId: string): Promise<Validation[]>;
  migration(id: string): Promise<Migration | undefined>;
  /** Migrations into a project, including ended ones. */
  migrationsOf(groupId: string): Promise<Migration[]>;
  /** All migrations that have not ended: NEW, WORKING, or COMPLETE with a failback that isn't closed. */
  activeMigrations(): Promise<Migration[]>;
  /** An agent's migrations that have not ended. */
  activeMigrationsOfAgent(agentId: string): Promise<Migration[]>;
  /** An organization's migrations that have not ended. */
  activeMigrationsOfOrganization(orgId: string): Promise<Migration[]>;
  /** The migrations that have not ended before a time: first those that have not ended at all, then the newest. */
  migrationsSince(timeMs: number, limit: number): Promise<Migration[]>;
  /** The samples of a migration and a span after a time, oldest first. */
  samplesOf(migrationId: string, spanMs: number, afterMs: number): Promise<MigrationSample[]>;
  /** How much of a migration's list the agent has reported; undefined while it has reported nothing of it. */
  reportedList(migrationId: string, list: ListName): Promise<ReportedList | undefined>;
  /** Items of a list whose namespace contains a text in any case: the highest rank first, equal ones by their ids. */
  listItems<Name extends ListName>(
    migrationId: string,
    list: Name,
    window: { readonly namespace: string; readonly skip: number; readonly limit: number },
  ): Promise<ListItems[Name][]>;
  countListItems(migrationId: string, list: ListName, namespace: string): Promise<number>;
  /** Migrations whose source is watched after the commit. */
  watchedMigrations(): Promise<Migration[]>;
  /** An agent's migrations whose source is watched after the commit. */
  watchedMigrationsOfAgent(agentId: string): Promise<Migration[]>;
  /** Finds a user by the id of its migration or validation. */
  destinationUser(id: string): Promise<DestinationUser | undefined>;
  /** All users that are `wanted` or `made`. */
  standingDestinationUsers(): Promise<DestinationUser[]>;
  /** Sealed values of all records that do not start with a sealer's mark. */
  valuesNotSealedAs(mark: string, limit: number): Promise<{ readonly place: SealedPlace; readonly value: Sealed }[]>;
  /** Restores in the order of their detection. */
  restores(): Promise<Restore[]>;
  lastRestore(): Promise<Restore | undefined>;
  lastAuditRecord(): Promise<AuditRecord | undefined>;
  /** The number of the last audit record that was looked at for hooks; undefined while no server has hooks. */
  hookCursor(): Promise<number | undefined>;
  /** The oldest delivery of each migration and hook that is not given up, for some of the hooks. */
  headsOfHooks(hooks: readonly string[]): Promise<HookDelivery[]>;
  /** The undelivered events of a migration. */
  hookDeliveriesOf(subject: string): Promise<HookDelivery[]>;
  /** The number of undelivered events of a hook, by organization. */
  countHookDeliveries(hook: string): Promise<ReadonlyMap<string, number>>;
  auditKey(id: string): Promise<AuditKey | undefined>;
  auditRecord(id: string): Promise<AuditRecord | undefined>;
  /** The next records after a sequence number, of all organizations. */
  auditRecordsAfter(sequence: number, limit: number): Promise<AuditRecord[]>;
  /** Matching records, newest first. */
  auditRecords(filter: AuditFilter, skip: number, limit: number): Promise<AuditRecord[]>;
  countAuditRecords(filter: AuditFilter): Promise<number>;
}

/** Selects audit records of an organization. */
export interface AuditFilter {
  readonly orgId: string;
  readonly groupId?: string;
  readonly eventTypeNames?: readonly string[];
  /** Public key of an API key, client id of a service account, or host name of an agent. */
  readonly actorName?: string;
  /** Only records with one of these details, and with this id in it: as its value, or in its list. */
  readonly target?: { readonly details: readonly string[]; readonly id?: string };
  /** Only records of this time, in milliseconds since 1970; both ends included. */
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** The writes of a transaction. Inserting a record whose id or unique name exists throws, and so does updating a missing record. */
export interface StoreTransaction extends StoreReader {
  insertOrganization(record: Organization): Promise<void>;
  updateOrganization(record: Organization): Promise<void>;
  insertApiKey(record: ApiKey): Promise<void>;
  updateApiKey(record: ApiKey): Promise<void>;
  deleteApiKey(id: string): Promise<void>;
  insertServiceAccount(record: ServiceAccount): Promise<void>;
  updateServiceAccount(record: ServiceAccount): Promise<void>;
  deleteServiceAccount(id: string): Promise<void>;
  insertRevokedAccessToken(record: RevokedAccessToken): Promise<void>;
  /** Deletes the tokens that expired by `untilMs`. */
  deleteRevokedAccessTokens(untilMs: number): Promise<void>;
  insertServerKey(record: ServerKey): Promise<void>;
  updateServerKey(record: ServerKey): Promise<void>;
  insertGroup(record: Group): Promise<void>;
  updateGroup(record: Group): Promise<void>;
  insertCluster(record: Cluster): Promise<void>;
  updateCluster(record: Cluster): Promise<void>;
  insertLinkToken(record: StoredLinkToken): Promise<void>;
  /** Marks a token as redeemed, if it is open and has not expired. Returns whether it did. */
  redeemLinkToken(id: string, atMs: number): Promise<boolean>;
  updateLinkToken(record: StoredLinkToken): Promise<void>;
  insertLink(record: Link): Promise<void>;
  updateLink(record: Link): Promise<void>;
  insertAgent(record: Agent): Promise<void>;
  updateAgent(record: Agent): Promise<void>;
  insertValidation(record: Validation): Promise<void>;
  updateValidation(record: Validation): Promise<void>;
  insertMigration(record: Migration): Promise<void>;
  updateMigration(record: Migration): Promise<void>;
  /** Keeps a sample instead of an earlier one of the same migration and the same part of time: `atMs / spanMs`, rounded down. */
  putSample(sample: MigrationSample): Promise<void>;
  /** Deletes the samples of a span, of all migrations, until a time. */
  deleteSamples(spanMs: number, untilMs: number): Promise<void>;
  /** Stores how much of a list is reported, in place of the earlier value. */
  putReportedList(list: ReportedList): Promise<void>;
  /** Keeps an item instead of the one with its id. */
  putListItem(item: StoredListItem): Promise<void>;
  deleteListItem(migrationId: string, list: ListName, id: string): Promise<void>;
  clearList(migrationId: string, list: ListName): Promise<void>;
  /** Deletes the lists, of all migrations, of which nothing was reported after a time. */
  deleteLists(untilMs: number): Promise<void>;
  insertDestinationUser(record: DestinationUser): Promise<void>;
  updateDestinationUser(record: DestinationUser): Promise<void>;
  insertRestore(record: Restore): Promise<void>;
  updateRestore(record: Restore): Promise<void>;
  replaceSealed(place: SealedPlace, value: Sealed): Promise<void>;
  /** Replaces the cursor; null removes it. */
  setHookCursor(sequence: number | null): Promise<void>;
  insertHookDelivery(record: HookDelivery): Promise<void>;
  updateHookDelivery(record: HookDelivery): Promise<void>;
  deleteHookDelivery(id: string): Promise<void>;
  /** Deletes the deliveries that were created by `untilMs`. */
  deleteHookDeliveries(untilMs: number): Promise<void>;
  insertAuditKey(record: AuditKey): Promise<void>;
  /** Appends a record. Audit records are never changed or removed; an adapter refuses to. */
  appendAuditRecord(record: AuditRecord): Promise<void>;
}
