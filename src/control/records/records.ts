import type { Deployment, Finding, InventoryProject, Progress } from '../../link/index.ts';
import type { MigrationState } from './migration-state.ts';
import type { GroupRoleAssignment, OrganizationRole } from './roles.ts';
import type { Sealed } from './sealer.ts';

/**
 * Why a store is taken for an older copy: `linkspan restore` made it, or it said so (`restored`); it lacks the audit record that was the newest in
 * this place (`older than the head`), or has another one there (`other than the head`); or what the place says about it is missing or damaged.
 */
export type PutBack = 'restored' | 'older than the head' | 'other than the head' | 'no head' | 'unreadable head';

/** What the control plane remembers. Ids are 24-hex unless said otherwise; times are milliseconds since the epoch. */

export interface Organization {
  readonly id: string;
  readonly name: string;
  /** Whether keys and accounts without an access list are turned away. */
  readonly accessListRequired: boolean;
  readonly createdAtMs: number;
  readonly deletedAtMs: number | null;
}

/** An address or block from which a key or an account may be used. */
export interface AccessListEntry {
  readonly address: string;
  readonly createdAtMs: number;
}

export interface ApiKey {
  readonly id: string;
  readonly orgId: string;
  /** The user name of HTTP digest; unique. */
  readonly publicKey: string;
  readonly description: string;
  readonly roles: readonly OrganizationRole[];
  readonly groupRoles: readonly GroupRoleAssignment[];
  /** JSON of {@link CredentialVerifiers}. */
  readonly verifiers: Sealed;
  /** The last characters of a private key that the server made, by which its owner knows it; null of one that was given. */
  readonly privateKeyEnd: string | null;
  /** Empty: any. */
  readonly accessList: readonly AccessListEntry[];
  readonly createdAtMs: number;
}

/** What stands for a private key where it is checked: as good as the key itself, so only ever stored sealed. */
export interface CredentialVerifiers {
  readonly MD5: string;
  readonly 'SHA-256': string;
}

/** Who may ask for access tokens with OAuth 2.0 client credentials. */
export interface ServiceAccount {
  readonly id: string;
  readonly orgId: string;
  /** `mdb_sa_id_` and 24 hexadecimal digits; unique. */
  readonly clientId: string;
  readonly name: string;
  readonly description: string;
  readonly roles: readonly OrganizationRole[];
  readonly groupRoles: readonly GroupRoleAssignment[];
  readonly secrets: readonly ServiceAccountSecret[];
  /** From where its access tokens may be used; empty: any. */
  readonly accessList: readonly AccessListEntry[];
  readonly createdAtMs: number;
}

export interface ServiceAccountSecret {
  readonly id: string;
  /** SHA-256 of the secret, base64url. */
  readonly hash: string;
  /** Its last characters; null of one that was given. */
  readonly end: string | null;
  readonly createdAtMs: number;
  /** Null: never. */
  readonly expiresAtMs: number | null;
}

/** An access token that must not be taken any more, kept until it would have expired. */
export interface RevokedAccessToken {
  /** The token's own id (`jti`). */
  readonly id: string;
  readonly expiresAtMs: number;
  readonly createdAtMs: number;
}

/** A time when an older copy of the store was found in its place. */
export interface Restore {
  /** Access tokens name the last one: those of before count no more. Its random part keeps two restores of one backup apart. */
  readonly id: string;
  /** From 1 on. */
  readonly number: number;
  readonly reason: PutBack;
  /** When an operator said that the credentials were reviewed. */
  readonly acknowledgedAtMs: number | null;
  readonly createdAtMs: number;
}

/** A key with which the control plane signs its answers to agents. */
export interface ServerKey {
  readonly id: string;
  /** PKCS#8 PEM. */
  readonly privateKey: Sealed;
  /** When a newer one was made; null for the newest. */
  readonly supersededAtMs: number | null;
  readonly createdAtMs: number;
}

/** A project; Atlas's API calls it a group. */
export interface Group {
  readonly id: string;
  readonly orgId: string;
  /** Unique among those of its organization that are not deleted. */
  readonly name: string;
  readonly createdAtMs: number;
  /** What it was is kept, for its migrations. */
  readonly deletedAtMs: number | null;
}

/** An existing cluster, registered as a destination. */
export interface Cluster {
  readonly id: string;
  readonly groupId: string;
  /** Unique among those of its group that are not deleted. */
  readonly name: string;
  /** Of a deleted one, an empty text: as soon as no {@link DestinationUser} is to be dropped there any more. */
  readonly connectionString: Sealed;
  /** Whether its user could make users when it was registered, or its connection string replaced. */
  readonly makesUsers: boolean;
  readonly createdAtMs: number;
  /** What it was is kept, for the migrations that went there. */
  readonly deletedAtMs: number | null;
}

export interface StoredLinkToken {
  /** 12 base-62 characters. */
  readonly id: string;
  readonly orgId: string;
  /** SHA-256 of the secret, base64url. */
  readonly secretHash: string;
  /** Addresses and blocks from which agents may come; empty: any. */
  readonly accessListIps: readonly string[];
  /** Public key of the API key that asked for it. */
  readonly createdBy: string;
  readonly createdAtMs: number;
  /** The only host that may redeem it; null: any. */
  readonly host: string | null;
  /** From when on it cannot be redeemed; null: never. */
  readonly expiresAtMs: number | null;
  readonly redeemedAtMs: number | null;
  readonly deletedAtMs: number | null;
}

/** The standing relation that a redeemed token leaves. */
export interface Link {
  readonly id: string;
  readonly orgId: string;
  readonly tokenId: string;
  readonly accessListIps: readonly string[];
  readonly createdAtMs: number;
  /** `superseded`: another agent of the organization with the same host name was linked later. `revoked`: an owner has cut the agent off. */
  readonly ended: 'deleted' | 'superseded' | 'revoked' | null;
  /** False while an owner has to say whether this agent may take the place of another one with its host name. */
  readonly approved: boolean;
}

export interface Agent {
  readonly id: string;
  readonly linkId: string;
  readonly orgId: string;
  /** Ed25519, raw, base64url. */
  readonly publicKey: string;
  /** What `migrationHosts` names. */
  readonly host: string;
  readonly version: string;
  readonly inventory: readonly InventoryProject[];
  readonly createdAtMs: number;
  /** The highest sequence number of a report; -1 before the first. */
  readonly lastSequence: number;
  readonly lastReportAtMs: number | null;
}

/** What to move where, as validations and migrations share it. */
export interface Order {
  readonly orgId: string;
  readonly groupId: string;
  readonly agentId: string;
  readonly host: string;
  readonly sourceGroupId: string;
  readonly sourceClusterName: string;
  readonly destinationClusterId: string;
  readonly username: string | null;
  /** Null where the request brought no password. */
  readonly password: Sealed | null;
  readonly ssl: boolean;
  readonly caCertificatePath: string | null;
  readonly dropDestination: boolean;
}

export interface Validation extends Order {
  readonly id: string;
  readonly status: 'PENDING' | 'SUCCESS' | 'FAILED';
  readonly errorMessage: string | null;
  /** All that preflight found, once the agent has reported. */
  readonly findings: readonly Finding[];
  /** Fingerprint of where the destination was when this was asked for; null of one that an older version made. */
  readonly destinationAddress: string | null;
  readonly createdAtMs: number;
}

export interface Migration extends Order {
  readonly id: string;
  readonly state: MigrationState;
  /** The engine's last report. */
  readonly progress: Progress | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/**
 * A database user on a destination, for one migration or validation and nothing else. On record before it is made, until after it is
 * dropped: what a crash leaves is found.
 */
export interface DestinationUser {
  /** That of the migration or validation. */
  readonly id: string;
  readonly purpose: 'migration' | 'validation';
  readonly clusterId: string;
  /** An empty text when it is of no use any more. */
  readonly password: Sealed;
  /** `left`: its cluster was deleted here, and it could not be dropped there. */
  readonly state: 'wanted' | 'made' | 'dropped' | 'left';
  readonly createdAtMs: number;
}

/** What somebody did or what happened, in the chain that shows whether any of it was altered. */
export interface AuditRecord {
  /** 24 hexadecimal digits, as Atlas's events have. */
  readonly id: string;
  /** From 1 on, without gaps, over all organizations. */
  readonly sequence: number;
  readonly createdAtMs: number;
  readonly orgId: string;
  readonly groupId: string | null;
  /** One of Atlas's names, or one in the same form. */
  readonly eventTypeName: string;
  readonly actorKind: 'api key' | 'service account' | 'agent' | 'system';
  /** Public key, client id, or host. */
  readonly actorName: string;
  readonly remoteAddress: string | null;
  /** What it was done to, and what else is worth knowing; never a secret. */
  readonly details: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** {@link hash} of the record before; empty of the first. */
  readonly previousHash: string;
  /** SHA-256 over everything above, hexadecimal. */
  readonly hash: string;
  /** The id of the {@link AuditKey} of the MAC; null in records of older versions, which have none. */
  readonly keyId: string | null;
  /** HMAC-SHA256 over the hash, hexadecimal. */
  readonly mac: string | null;
}

/** A key of MACs, kept for the check of the records that it made. */
export interface AuditKey {
  /** The first digits of its SHA-256. */
  readonly id: string;
  readonly macKey: Sealed;
  readonly createdAtMs: number;
}

export type { Deployment };
