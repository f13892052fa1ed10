import type {
  Agent,
  ApiKey,
  AuditKey,
  AuditRecord,
  Cluster,
  DestinationUser,
  Group,
  Link,
  Migration,
  Organization,
  PutBack,
  Restore,
  RevokedAccessToken,
  ServerKey,
  ServiceAccount,
  StoredLinkToken,
  Validation,
} from './records.ts';
import type { Sealed, SealedPlace } from './sealer.ts';

/**
 * Where the control plane keeps what it knows. The contract, which `test/store/conformance.ts` runs against every adapter:
 *
 * 1. `write` is atomic and serializable: it runs with what no other write changes meanwhile, and all of it is kept or nothing.
 * 2. A `write` that resolved is durable: it survives SIGKILL and power loss. One whose work threw has changed nothing.
 * 3. The work of a `write` awaits nothing but the transaction's own methods, and has no other effect: an adapter may run several
 *    together, and may run one again.
 * 4. Reads outside of a write see what is committed, at once after the write has resolved. Two reads may see different moments.
 * 5. Lists come in the order of creation, and leave out what is deleted. Records are returned as they were stored, and absence is `undefined`.
 */
export interface Store extends StoreReader, AsyncDisposable {
  /**
   * Why this store is taken for an older copy that was put back; null: it goes on from its last write. An adapter says so at each opening until a
   * {@link Restore} is inserted.
   */
  readonly putBack: PutBack | null;
  write<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T>;
}

export interface StoreReader {
  organization(id: string): Promise<Organization | undefined>;
  /** Those that are not deleted. */
  organizations(): Promise<Organization[]>;
  apiKey(publicKey: string): Promise<ApiKey | undefined>;
  apiKeysOf(orgId: string): Promise<ApiKey[]>;
  serviceAccount(clientId: string): Promise<ServiceAccount | undefined>;
  serviceAccountsOf(orgId: string): Promise<ServiceAccount[]>;
  revokedAccessToken(id: string): Promise<RevokedAccessToken | undefined>;
  serverKeys(): Promise<ServerKey[]>;
  /** Deleted ones too. */
  group(id: string): Promise<Group | undefined>;
  groupsOf(orgId: string): Promise<Group[]>;
  /** Deleted ones too. */
  cluster(id: string): Promise<Cluster | undefined>;
  clustersOf(groupId: string): Promise<Cluster[]>;
  clusterNamed(groupId: string, name: string): Promise<Cluster | undefined>;
  linkToken(id: string): Promise<StoredLinkToken | undefined>;
  /** Neither redeemed nor deleted; expired ones too. */
  openLinkTokensOf(orgId: string): Promise<StoredLinkToken[]>;
  link(id: string): Promise<Link | undefined>;
  linkOfToken(tokenId: string): Promise<Link | undefined>;
  /** Links that have not ended, those that wait for approval too. */
  openLinksOf(orgId: string): Promise<Link[]>;
  agent(id: string): Promise<Agent | undefined>;
  agentOfLink(linkId: string): Promise<Agent | undefined>;
  /** Agents whose link has not ended, and was approved. */
  linkedAgentsOf(orgId: string): Promise<Agent[]>;
  validation(id: string): Promise<Validation | undefined>;
  /** The newest into any cluster of that name, deleted ones included, that has not failed. */
  lastValidationInto(groupId: string, clusterName: string): Promise<Validation | undefined>;
  /** Those of an agent that are PENDING. */
  pendingValidationsOf(agentId: string): Promise<Validation[]>;
  migration(id: string): Promise<Migration | undefined>;
  /** Those into a project, ended ones too. */
  migrationsOf(groupId: string): Promise<Migration[]>;
  /** All that are NEW or WORKING. */
  activeMigrations(): Promise<Migration[]>;
  /** Those of an agent that are NEW or WORKING. */
  activeMigrationsOfAgent(agentId: string): Promise<Migration[]>;
  /** Those of an organization that are NEW or WORKING. */
  activeMigrationsOfOrganization(orgId: string): Promise<Migration[]>;
  /** By the id of its migration or validation. */
  destinationUser(id: string): Promise<DestinationUser | undefined>;
  /** All that are `wanted` or `made`. */
  standingDestinationUsers(): Promise<DestinationUser[]>;
  /** Sealed values, of all records, that begin with anything else than a sealer's mark. */
  valuesNotSealedAs(mark: string, limit: number): Promise<{ readonly place: SealedPlace; readonly value: Sealed }[]>;
  /** In the order in which they were noticed. */
  restores(): Promise<Restore[]>;
  lastRestore(): Promise<Restore | undefined>;
  lastAuditRecord(): Promise<AuditRecord | undefined>;
  auditKey(id: string): Promise<AuditKey | undefined>;
  auditRecord(id: string): Promise<AuditRecord | undefined>;
  /** The next ones after a sequence number, of all organizations. */
  auditRecordsAfter(sequence: number, limit: number): Promise<AuditRecord[]>;
  /** Those that match, the newest first. */
  auditRecords(filter: AuditFilter, skip: number, limit: number): Promise<AuditRecord[]>;
  countAuditRecords(filter: AuditFilter): Promise<number>;
}

/** Which records of an organization are meant. */
export interface AuditFilter {
  readonly orgId: string;
  readonly groupId?: string;
  readonly eventTypeNames?: readonly string[];
}

/** Inserting a record whose id or unique name exists throws; updating one that does not exist throws. */
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
  /** Forgets those that have expired until then. */
  deleteRevokedAccessTokens(untilMs: number): Promise<void>;
  insertServerKey(record: ServerKey): Promise<void>;
  updateServerKey(record: ServerKey): Promise<void>;
  insertGroup(record: Group): Promise<void>;
  updateGroup(record: Group): Promise<void>;
  insertCluster(record: Cluster): Promise<void>;
  updateCluster(record: Cluster): Promise<void>;
  insertLinkToken(record: StoredLinkToken): Promise<void>;
  /** The one conditional write of a redemption: whether the token was still open and had not expired, and is now redeemed. */
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
  insertDestinationUser(record: DestinationUser): Promise<void>;
  updateDestinationUser(record: DestinationUser): Promise<void>;
  insertRestore(record: Restore): Promise<void>;
  updateRestore(record: Restore): Promise<void>;
  replaceSealed(place: SealedPlace, value: Sealed): Promise<void>;
  insertAuditKey(record: AuditKey): Promise<void>;
  /** Records are never changed or removed: an adapter refuses to, whoever asks. */
  appendAuditRecord(record: AuditRecord): Promise<void>;
}
