import type { DatabaseSync } from 'node:sqlite';
import { UserError } from '../../platform/index.ts';

/** The version of {@link SCHEMA}, which a store has as its `user_version`. Earlier ones are of Linkspan 0.2.0 and older. */
const VERSION = 32;

/**
 * Lists and objects are JSON text. Columns with sealed values have the name of the secret. Tables and columns have the names of
 * src/control/records/kinds.ts in snake case, also those for queries alone.
 */
const SCHEMA = `
  CREATE TABLE organizations (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at_ms INTEGER NOT NULL, access_list_required INTEGER NOT NULL,
    deleted_at_ms INTEGER, creator_id TEXT
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE accounts (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, org_id TEXT NOT NULL REFERENCES organizations, name TEXT NOT NULL, description TEXT NOT NULL,
    roles TEXT NOT NULL, group_roles TEXT NOT NULL, access_list TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
    verifiers TEXT, private_key_end TEXT, title TEXT, secrets TEXT, UNIQUE (kind, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE revoked_access_tokens (
    id TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX expiring_access_tokens ON revoked_access_tokens (expires_at_ms);

  CREATE TABLE groups (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, name TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX names_of_groups ON groups (org_id, name) WHERE deleted_at_ms IS NULL;

  CREATE TABLE clusters (
    id TEXT PRIMARY KEY, group_id TEXT NOT NULL REFERENCES groups, name TEXT NOT NULL, connection_string TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL, deleted_at_ms INTEGER, makes_users INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX names_of_clusters ON clusters (group_id, name) WHERE deleted_at_ms IS NULL;

  CREATE TABLE destination_users (
    id TEXT PRIMARY KEY, purpose TEXT NOT NULL, cluster_id TEXT NOT NULL REFERENCES clusters, password TEXT NOT NULL,
    state TEXT NOT NULL, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX destination_users_by_state ON destination_users (state, created_at_ms);

  CREATE TABLE link_tokens (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, secret_hash TEXT NOT NULL, access_list_ips TEXT NOT NULL,
    created_by TEXT NOT NULL, created_at_ms INTEGER NOT NULL, redeemed_at_ms INTEGER, deleted_at_ms INTEGER,
    expires_at_ms INTEGER, host TEXT, hosts INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX open_link_tokens ON link_tokens (org_id, redeemed_at_ms, deleted_at_ms, expires_at_ms)
    WHERE redeemed_at_ms IS NULL AND deleted_at_ms IS NULL;

  CREATE TABLE links (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, token_id TEXT NOT NULL REFERENCES link_tokens,
    set_id TEXT NOT NULL, access_list_ips TEXT NOT NULL, created_at_ms INTEGER NOT NULL, ended TEXT, approved INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX links_of_token ON links (token_id);
  CREATE INDEX links_of_set ON links (set_id);
  CREATE INDEX open_links ON links (org_id) WHERE ended IS NULL;

  CREATE TABLE agents (
    id TEXT PRIMARY KEY, link_id TEXT NOT NULL UNIQUE REFERENCES links, org_id TEXT NOT NULL REFERENCES organizations,
    public_key TEXT NOT NULL, host TEXT NOT NULL, version TEXT NOT NULL, inventory TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL, last_report_at_ms INTEGER, heard_since_ms INTEGER, standbys TEXT NOT NULL,
    max_migrations INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE validations (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, group_id TEXT NOT NULL REFERENCES groups,
    agent_id TEXT NOT NULL REFERENCES agents, host TEXT NOT NULL, source_group_id TEXT NOT NULL, source_cluster_name TEXT NOT NULL,
    destination_cluster_id TEXT NOT NULL REFERENCES clusters, username TEXT, password TEXT, ssl INTEGER NOT NULL,
    ca_certificate_path TEXT, drop_destination INTEGER NOT NULL, status TEXT NOT NULL, error_message TEXT,
    created_at_ms INTEGER NOT NULL, findings TEXT NOT NULL, destination_address TEXT NOT NULL, reversible INTEGER NOT NULL, users_and_roles INTEGER NOT NULL, digests_by TEXT, estimate TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX validations_of_agent ON validations (agent_id, status);
  CREATE INDEX validations_of_group ON validations (group_id, created_at_ms);

  CREATE TABLE migrations (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, group_id TEXT NOT NULL REFERENCES groups,
    agent_id TEXT NOT NULL REFERENCES agents, host TEXT NOT NULL, source_group_id TEXT NOT NULL, source_cluster_name TEXT NOT NULL,
    destination_cluster_id TEXT NOT NULL REFERENCES clusters, username TEXT, password TEXT, ssl INTEGER NOT NULL,
    ca_certificate_path TEXT, drop_destination INTEGER NOT NULL,
    state TEXT NOT NULL, progress TEXT, created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, reversible INTEGER NOT NULL, users_and_roles INTEGER NOT NULL, digests_by TEXT,
    failback TEXT, reported_at_ms INTEGER, taken_over TEXT, move TEXT, is_active INTEGER NOT NULL, is_watched INTEGER NOT NULL, ended_at_ms INTEGER,
    labels TEXT NOT NULL, note TEXT, idempotency TEXT, idempotency_key TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX migrations_of_group ON migrations (group_id);
  CREATE UNIQUE INDEX migrations_by_key ON migrations (group_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX active_migrations ON migrations (created_at_ms) WHERE is_active = 1;
  CREATE INDEX active_migrations_of_agent ON migrations (agent_id) WHERE is_active = 1;
  CREATE INDEX active_migrations_of_organization ON migrations (org_id) WHERE is_active = 1;
  CREATE INDEX watched_migrations ON migrations (agent_id) WHERE is_watched = 1;

  CREATE TABLE migration_samples (
    migration_id TEXT NOT NULL, span_ms INTEGER NOT NULL, part INTEGER NOT NULL, at_ms INTEGER NOT NULL, figures TEXT NOT NULL,
    PRIMARY KEY (migration_id, span_ms, part)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX migration_samples_by_age ON migration_samples (span_ms, at_ms);

  CREATE TABLE migration_lists (
    migration_id TEXT NOT NULL, list TEXT NOT NULL, series TEXT NOT NULL, part INTEGER NOT NULL, total INTEGER NOT NULL,
    stored INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (migration_id, list)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE migration_list_items (
    migration_id TEXT NOT NULL, list TEXT NOT NULL, id TEXT NOT NULL, namespace TEXT NOT NULL, rank REAL NOT NULL, item TEXT NOT NULL,
    PRIMARY KEY (migration_id, list, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX migration_list_items_by_rank ON migration_list_items (migration_id, list, rank DESC, id, namespace);

  CREATE TABLE audit_records (
    sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created_at_ms INTEGER NOT NULL, org_id TEXT NOT NULL, group_id TEXT,
    event_type_name TEXT NOT NULL, actor_kind TEXT NOT NULL, actor_name TEXT NOT NULL, remote_address TEXT, details TEXT NOT NULL,
    previous_hash TEXT NOT NULL, hash TEXT NOT NULL, key_id TEXT, mac TEXT
  ) STRICT;
  CREATE INDEX audit_records_of_organization ON audit_records (org_id, sequence);
  CREATE INDEX audit_records_of_group ON audit_records (group_id, sequence);
  CREATE TRIGGER audit_records_stay BEFORE DELETE ON audit_records BEGIN SELECT RAISE(ABORT, 'audit records stay'); END;
  CREATE TRIGGER audit_records_stay_as_they_are BEFORE UPDATE ON audit_records
    BEGIN SELECT RAISE(ABORT, 'audit records stay as they are'); END;

  CREATE TABLE audit_keys (
    id TEXT PRIMARY KEY, mac_key TEXT NOT NULL, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE server_keys (
    id TEXT PRIMARY KEY, private_key TEXT NOT NULL, superseded_at_ms INTEGER, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE restores (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, reason TEXT NOT NULL, acknowledged_at_ms INTEGER,
    created_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE hook_deliveries (
    id TEXT PRIMARY KEY, hook TEXT NOT NULL, subject TEXT NOT NULL, sequence INTEGER NOT NULL, event TEXT NOT NULL,
    attempts INTEGER NOT NULL, last_error TEXT, given_up_at_ms INTEGER, created_at_ms INTEGER NOT NULL, org_id TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX hook_deliveries_in_order ON hook_deliveries (hook, subject, sequence) WHERE given_up_at_ms IS NULL;
  CREATE INDEX hook_deliveries_of_migration ON hook_deliveries (subject, sequence);
  CREATE INDEX hook_deliveries_of_organization ON hook_deliveries (hook, org_id);

  CREATE TABLE hook_cursors (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Creates the tables of a new store in one transaction. Has no effect on one that has them. */
export function createSchema(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    if (userVersion(database) === 0) database.exec(`${SCHEMA}; PRAGMA user_version = ${VERSION}`);
    database.exec('COMMIT');
  } catch (error) {
    // A full disk or an I/O error has already rolled back.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/**
 * Whether a database has this release's tables; a new one has none.
 * @param place  path for error messages
 * @throws UserError STORE_TOO_NEW, STORE_TOO_OLD for the tables of another release
 */
export function hasSchema(database: DatabaseSync, place: string): boolean {
  const version = userVersion(database);
  if (version > VERSION) throw new UserError('STORE_TOO_NEW', [place, String(version), String(VERSION)]);
  // rule: refuse-older-store
  if (version > 0 && version < VERSION) throw new UserError('STORE_TOO_OLD', [place, String(version)]);
  return version === VERSION;
}

function userVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version);
}
