import type {
  CollectionProgress,
  Estimate,
  Failback,
  Finding,
  Labels,
  ListedMismatch,
  Progress,
  TakeOverReason,
} from '../../contract/index.ts';
import type { Deployment, InventoryProject, ReportedStandby } from '../../link/index.ts';
import type { MigrationState } from './migration-state.ts';
import type { GroupRoleAssignment, OrganizationRole } from './roles.ts';
import type { Sealed } from './sealer.ts';

/**
 * Why a store counts as an older copy. `restored`: `linkspan restore` wrote it. `older than the head`: it lacks the newest audit record that
 * the head file names. `other than the head`: it has another record there. `no head`, `unreadable head`: the head file is missing or damaged.
 */
export type PutBack = 'restored' | 'older than the head' | 'other than the head' | 'no head' | 'unreadable head';

// The records of the control plane. Ids have 24 hexadecimal digits unless stated otherwise; times are milliseconds since the epoch.

export interface Organization {
  readonly id: string;
  readonly name: string;
  /** Whether API keys and service accounts without an access list are refused. */
  readonly accessListRequired: boolean;
  /**
   * The organization in whose quota this one counts: the first of a server for those that its owners create, and their creator
   * for all that descend from one of these. Null for the first itself.
   */
  readonly creatorId: string | null;
  readonly createdAtMs: number;
  readonly deletedAtMs: number | null;
}

/** An address or block from which an API key or a service account may be used. */
export interface AccessListEntry {
  readonly address: string;
  readonly createdAtMs: number;
}

/** The sender of API requests: an API key or a service account. */
export type Account = ApiKey | ServiceAccount;

interface AnyAccount {
  readonly id: string;
  readonly orgId: string;
  /** The public key of an API key, or the client id of a service account; unique among those of its kind. */
  readonly name: string;
  readonly description: string;
  readonly roles: readonly OrganizationRole[];
  readonly groupRoles: readonly GroupRoleAssignment[];
  /** Addresses from which the key or its access tokens may be used; empty for any. */
  readonly accessList: readonly AccessListEntry[];
  readonly createdAtMs: number;
}

/** An account that authenticates with HTTP digest. Its name is the user name. */
export interface ApiKey extends AnyAccount {
  readonly kind: 'API_KEY';
  /** JSON of {@link CredentialVerifiers}. */
  readonly verifiers: Sealed;
  /** The last characters of a private key, so that its owner can recognize it; null when the operator chose the key. */
  readonly privateKeyEnd: string | null;
  readonly title: null;
  readonly secrets: null;
}

/** An account that may request access tokens with OAuth 2.0 client credentials. Its name is `mdb_sa_id_` and 24 hexadecimal digits. */
export interface ServiceAccount extends AnyAccount {
  readonly kind: 'SERVICE_ACCOUNT';
  /** The name that people gave it. */
  readonly title: string;
  readonly secrets: readonly ServiceAccountSecret[];
  readonly verifiers: null;
  readonly privateKeyEnd: null;
}

/** Hashes for checking a private key. They are password-equivalents, so the store keeps them only sealed. */
export interface CredentialVerifiers {
  readonly MD5: string;
  readonly 'SHA-256': string;
}

export interface ServiceAccountSecret {
  readonly id: string;
  /** SHA-256 of the secret, base64url. */
  readonly hash: string;
  /** Its last characters; null when the operator chose the secret. */
  readonly end: string | null;
  readonly createdAtMs: number;
  /** Null for no expiry. */
  readonly expiresAtMs: number | null;
}

/** A revoked access token, kept until the token's own expiry. */
export interface RevokedAccessToken {
  /** The token's own id (`jti`). */
  readonly id: string;
  readonly expiresAtMs: number;
  readonly createdAtMs: number;
}

/** A restore of the store that the server detected. */
export interface Restore {
  /** Access tokens name the last restore, and earlier ones are refused. Random, so that two restores of one backup differ. */
  readonly id: string;
  /** Starts at 1. */
  readonly number: number;
  readonly reason: PutBack;
  /** When an operator confirmed the review of the credentials. */
  readonly acknowledgedAtMs: number | null;
  readonly createdAtMs: number;
}

/** A key with which the control plane signs its answers to agents. */
export interface ServerKey {
  readonly id: string;
  /** PKCS#8 PEM. */
  readonly privateKey: Sealed;
  /** When a newer key was created; null for the newest. */
  readonly supersededAtMs: number | null;
  readonly createdAtMs: number;
}

/** A project; Atlas's API calls it a group. */
export interface Group {
  readonly id: string;
  readonly orgId: string;
  /** Unique among the projects of its organization that are not deleted. */
  readonly name: string;
  readonly createdAtMs: number;
  /** Set on deletion. The record stays, because migrations refer to it. */
  readonly deletedAtMs: number | null;
}

/** An existing cluster, registered as a destination. */
export interface Cluster {
  readonly id: string;
  readonly groupId: string;
  /** Unique among the clusters of its group that are not deleted. */
  readonly name: string;
  /** An empty text after deletion, once no {@link DestinationUser} has to be dropped there. */
  readonly connectionString: Sealed;
  /** Whether its user could create users when the connection string was registered. */
  readonly makesUsers: boolean;
  readonly createdAtMs: number;
  /** Set on deletion. The record stays, because migrations refer to it. */
  readonly deletedAtMs: number | null;
}

export interface StoredLinkToken {
  /** 12 base-62 characters. */
  readonly id: string;
  readonly orgId: string;
  /** SHA-256 of the secret, base64url. */
  readonly secretHash: string;
  /** Addresses and blocks from which agents may connect; empty for any. */
  readonly accessListIps: readonly string[];
  /** Public key of the API key that requested it. */
  readonly createdBy: string;
  readonly createdAtMs: number;
  /** The only host that may redeem it; null for any. */
  readonly host: string | null;
  /** How many agents may redeem it, each with its own key. */
  readonly hosts: number;
  /** When it stops being redeemable; null for never. */
  readonly expiresAtMs: number | null;
  /** When the last of its agents redeemed it; null before. */
  readonly redeemedAtMs: number | null;
  readonly deletedAtMs: number | null;
}

/** The relation between an agent and an organization that redeeming a link-token creates. */
export interface Link {
  readonly id: string;
  readonly orgId: string;
  readonly tokenId: string;
  /** The agents of all links with one value stand by for each other. */
  readonly setId: string;
  readonly accessListIps: readonly string[];
  readonly createdAtMs: number;
  /** `superseded`: another agent with the same host name was linked later. `revoked`: an owner revoked the link. */
  readonly ended: 'deleted' | 'superseded' | 'revoked' | null;
  /** False until an owner approves that this agent replaces another one with its host name. */
  readonly approved: boolean;
}

export interface Agent {
  readonly id: string;
  readonly linkId: string;
  readonly orgId: string;
  /** Ed25519, raw, base64url. */
  readonly publicKey: string;
  /** The host name that `migrationHosts` refers to. */
  readonly host: string;
  readonly version: string;
  readonly inventory: readonly InventoryProject[];
  readonly createdAtMs: number;
  /** The highest sequence number of a report; -1 before the first. */
  readonly lastSequence: number;
  readonly lastReportAtMs: number | null;
  /** When it first reported after its last silence; null before the first report. */
  readonly heardSinceMs: number | null;
  /** The migrations for which it stands by, by its last report. */
  readonly standbys: readonly ReportedStandby[];
  /** The most migrations that it runs at once; null without a limit, and before its first report. */
  readonly maxMigrations: number | null;
}

/** The source, the destination and the agent of a validation or migration. */
export interface Order {
  readonly orgId: string;
  readonly groupId: string;
  readonly agentId: string;
  readonly host: string;
  readonly sourceGroupId: string;
  readonly sourceClusterName: string;
  readonly destinationClusterId: string;
  readonly username: string | null;
  /** Null when the request had no password. */
  readonly password: Sealed | null;
  readonly ssl: boolean;
  readonly caCertificatePath: string | null;
  readonly dropDestination: boolean;
  /** Whether the migration keeps a failback after the cutover. */
  readonly reversible: boolean;
  /** Whether the cutover migrates users and custom roles, too. */
  readonly usersAndRoles: boolean;
  /** Host name of the helper that digests ranges of the destination for the verification; null for none. */
  readonly digestsBy: string | null;
}

export interface Validation extends Order {
  readonly id: string;
  readonly status: 'PENDING' | 'SUCCESS' | 'FAILED';
  readonly errorMessage: string | null;
  /** The findings of preflight; empty until the agent has reported. */
  readonly findings: readonly Finding[];
  /** Null until the agent has reported, and when it reported none. */
  readonly estimate: Estimate | null;
  /** Fingerprint of the destination's address at creation. */
  readonly destinationAddress: string;
  readonly createdAtMs: number;
}

export interface Migration extends Order {
  readonly id: string;
  readonly state: MigrationState;
  /** The engine's last report. */
  readonly progress: Progress | null;
  /** The failback by the engine's last report; null while there is none. */
  readonly failback: Failback | null;
  /** When its agent last reported it; null before the first report. */
  readonly reportedAtMs: number | null;
  /** When its agent took it over last, from which host, and why; null before the first time. */
  readonly takenOver: { readonly atMs: number; readonly fromHost: string; readonly reason: TakeOverReason } | null;
  /** The host that takes it over once its agent has stopped it, since when, and why; null unless it is being moved. */
  readonly move: { readonly atMs: number; readonly toHost: string; readonly reason: TakeOverReason } | null;
  readonly labels: Labels;
  readonly note: string | null;
  /** The Idempotency-Key of the request that created it, and SHA-256 of that request, hexadecimal; null without a key. */
  readonly idempotency: { readonly key: string; readonly requestHash: string } | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A migration's figures at one moment, for charts. */
export interface MigrationSample {
  readonly migrationId: string;
  /** Samples of one span stand for equal parts of time; the newest of each part is kept. */
  readonly spanMs: number;
  readonly atMs: number;
  readonly figures: SampleFigures;
}

/** The lists that an agent reports of a migration in parts, and the items of each. */
export interface ListItems {
  readonly collections: CollectionProgress;
  readonly mismatches: ListedMismatch;
}

export type ListName = keyof ListItems;

/** How much of a list the agent has reported. */
export interface ReportedList {
  readonly migrationId: string;
  readonly list: ListName;
  /** The series of parts to which the items belong, and the last part of it. */
  readonly series: string;
  readonly part: number;
  /** The number of items that the agent has, and that are stored. */
  readonly total: number;
  readonly stored: number;
  /** When the agent last reported the list, or that it has not changed. */
  readonly atMs: number;
}

/** An item of a list. */
export interface StoredListItem<Name extends ListName = ListName> {
  readonly migrationId: string;
  readonly list: Name;
  readonly item: ListItems[Name];
  /** Lists are read in descending order of it. */
  readonly rank: number;
}

/** The figures of a sample; null while unknown. */
export interface SampleFigures {
  readonly state: Progress['state'];
  readonly lagSeconds: number | null;
  readonly changesRead: number | null;
  readonly changesApplied: number | null;
  /** Changed keys that wait to be applied. */
  readonly queuedKeys: number | null;
  readonly bytesCopied: number | null;
  readonly documentsVerified: number | null;
  /** Time until changes would be lost if the engine read no more. */
  readonly oplogLeftSeconds: number | null;
}

/**
 * A database user on a destination for one migration or validation. The record exists before the user is created and until after it is
 * dropped, so that a crash leaves no unknown user.
 */
export interface DestinationUser {
  /** The id of the migration or validation. */
  readonly id: string;
  readonly purpose: 'migration' | 'validation';
  readonly clusterId: string;
  /** An empty text once it is no longer needed. */
  readonly password: Sealed;
  /**
   * `renewed`: a standby has taken the migration over. The user of the former leader is dropped, and then one with another password is created.
   * `left`: its cluster was deleted here, and Linkspan could not drop the user there.
   */
  readonly state: 'wanted' | 'renewed' | 'made' | 'dropped' | 'left';
  readonly createdAtMs: number;
}

/** A record of an action or event, in a hash chain that shows alterations. */
export interface AuditRecord {
  /** 24 hexadecimal digits, as Atlas's events have. */
  readonly id: string;
  /** Starts at 1 and has no gaps, over all organizations. */
  readonly sequence: number;
  readonly createdAtMs: number;
  readonly orgId: string;
  readonly groupId: string | null;
  /** One of Atlas's names, or one in the same form. */
  readonly eventTypeName: string;
  readonly actorKind: 'API_KEY' | 'SERVICE_ACCOUNT' | 'AGENT' | 'SYSTEM';
  /** Public key, client id, or host. */
  readonly actorName: string;
  readonly remoteAddress: string | null;
  /** The target of the action and other details; never a secret. */
  readonly details: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** {@link hash} of the record before; empty for the first. */
  readonly previousHash: string;
  /** SHA-256 over everything above, hexadecimal. */
  readonly hash: string;
  /** The id of the MAC's {@link AuditKey}; null without a MAC. */
  readonly keyId: string | null;
  /** HMAC-SHA256 over the hash, hexadecimal. */
  readonly mac: string | null;
}

/** A MAC key, kept to check its records. */
export interface AuditKey {
  /** The first digits of the key's SHA-256. */
  readonly id: string;
  readonly macKey: Sealed;
  readonly createdAtMs: number;
}

export type { Deployment };
