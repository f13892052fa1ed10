import type { Deployment, Finding, InventoryProject, Progress } from '../link/index.ts';
import type { MigrationState } from './migration-state.ts';
import type { Sealed } from './sealer.ts';

/** What the control plane remembers. Ids are 24-hex unless said otherwise; times are milliseconds since the epoch. */

export interface Organization {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
}

/** Atlas's names of the roles in an organization that Linkspan gives a meaning. */
export type OrganizationRole = 'ORG_OWNER' | 'ORG_MEMBER';

export interface ApiKey {
  readonly id: string;
  readonly orgId: string;
  /** The user name of HTTP digest; unique. */
  readonly publicKey: string;
  readonly description: string;
  readonly roles: readonly OrganizationRole[];
  /** JSON of {@link CredentialVerifiers}. */
  readonly verifiers: Sealed;
  /** Addresses and blocks from which the key may be used; empty: any. */
  readonly accessList: readonly string[];
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
  readonly roles: readonly OrganizationRole[];
  /** SHA-256 of the client's secret, base64url. */
  readonly secretHash: string;
  /** Addresses and blocks from which its access tokens may be used; empty: any. */
  readonly accessList: readonly string[];
  readonly createdAtMs: number;
}

/** An access token that must not be taken any more, kept until it would have expired. */
export interface RevokedAccessToken {
  /** The token's own id (`jti`). */
  readonly id: string;
  readonly expiresAtMs: number;
  readonly createdAtMs: number;
}

/** A project; Atlas's API calls it a group. */
export interface Group {
  readonly id: string;
  readonly orgId: string;
  /** Unique in its organization. */
  readonly name: string;
  readonly createdAtMs: number;
}

/** An existing cluster, registered as a destination. */
export interface Cluster {
  readonly id: string;
  readonly groupId: string;
  /** Unique in its group. */
  readonly name: string;
  readonly connectionString: Sealed;
  readonly createdAtMs: number;
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
  /** `superseded`: another agent of the organization with the same host name was linked later. */
  readonly ended: 'deleted' | 'superseded' | null;
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

export type { Deployment };
