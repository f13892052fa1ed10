import type { DatabaseSync } from 'node:sqlite';
import { UserError } from '../../platform/index.ts';

/**
 * The schema's history: entry n upgrades version n to n + 1. A released entry never changes.
 *
 * Lists and objects are JSON text. Columns with sealed values have the name of the secret.
 */
const VERSIONS: readonly string[] = [
  `
  CREATE TABLE organizations (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE api_keys (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, public_key TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
    roles TEXT NOT NULL, verifiers TEXT NOT NULL, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE groups (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, name TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
    UNIQUE (org_id, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE clusters (
    id TEXT PRIMARY KEY, group_id TEXT NOT NULL REFERENCES groups, name TEXT NOT NULL, connection_string TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL, UNIQUE (group_id, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE link_tokens (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, secret_hash TEXT NOT NULL, access_list_ips TEXT NOT NULL,
    created_by TEXT NOT NULL, created_at_ms INTEGER NOT NULL, redeemed_at_ms INTEGER, deleted_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX open_link_tokens ON link_tokens (org_id) WHERE redeemed_at_ms IS NULL AND deleted_at_ms IS NULL;

  CREATE TABLE links (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, token_id TEXT NOT NULL UNIQUE REFERENCES link_tokens,
    access_list_ips TEXT NOT NULL, created_at_ms INTEGER NOT NULL, ended TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX open_links ON links (org_id) WHERE ended IS NULL;

  CREATE TABLE agents (
    id TEXT PRIMARY KEY, link_id TEXT NOT NULL UNIQUE REFERENCES links, org_id TEXT NOT NULL REFERENCES organizations,
    public_key TEXT NOT NULL, host TEXT NOT NULL, version TEXT NOT NULL, inventory TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL, last_sequence INTEGER NOT NULL, last_report_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE validations (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, group_id TEXT NOT NULL REFERENCES groups,
    agent_id TEXT NOT NULL REFERENCES agents, host TEXT NOT NULL, source_group_id TEXT NOT NULL, source_cluster_name TEXT NOT NULL,
    destination_cluster_id TEXT NOT NULL REFERENCES clusters, username TEXT, password TEXT, ssl INTEGER NOT NULL,
    ca_certificate_path TEXT, drop_destination INTEGER NOT NULL, status TEXT NOT NULL, error_message TEXT,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX pending_validations ON validations (agent_id) WHERE status = 'PENDING';

  CREATE TABLE migrations (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, group_id TEXT NOT NULL REFERENCES groups,
    agent_id TEXT NOT NULL REFERENCES agents, host TEXT NOT NULL, source_group_id TEXT NOT NULL, source_cluster_name TEXT NOT NULL,
    destination_cluster_id TEXT NOT NULL REFERENCES clusters, username TEXT, password TEXT, ssl INTEGER NOT NULL,
    ca_certificate_path TEXT, drop_destination INTEGER NOT NULL, status TEXT NOT NULL GENERATED ALWAYS AS (state ->> 'status') STORED,
    state TEXT NOT NULL, progress TEXT, created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX active_migrations_of_agent ON migrations (agent_id) WHERE status IN ('NEW', 'WORKING');
  CREATE INDEX active_migrations_of_organization ON migrations (org_id) WHERE status IN ('NEW', 'WORKING');
  `,
  // Access lists and service accounts; the window of a migration by its end (120 h from readiness), its load level and cancellation.
  `
  ALTER TABLE api_keys ADD COLUMN access_list TEXT NOT NULL DEFAULT '[]';

  CREATE TABLE service_accounts (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, client_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    roles TEXT NOT NULL, secret_hash TEXT NOT NULL, access_list TEXT NOT NULL, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE revoked_access_tokens (
    id TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX expiring_access_tokens ON revoked_access_tokens (expires_at_ms);

  CREATE INDEX migrations_of_group ON migrations (group_id);
  CREATE INDEX active_migrations ON migrations (created_at_ms) WHERE status IN ('NEW', 'WORKING');

  UPDATE migrations SET state = json_set(
    json_remove(state, '$.readySinceMs'),
    '$.windowEndsAtMs', (state ->> 'readySinceMs') + 432000000, '$.loadLevel', 3, '$.dropCopied', json('false')
  );
  `,
  // Link-tokens that expire.
  'ALTER TABLE link_tokens ADD COLUMN expires_at_ms INTEGER',
  // Findings of a validation.
  `
  ALTER TABLE validations ADD COLUMN findings TEXT NOT NULL DEFAULT '[]';
  `,
  // Roles in projects, access list entries with times, several secrets with expiry, and audit records that nobody can change. Deleted
  // projects and clusters stay, because migrations refer to them. A name is unique among undeleted records, which needs new tables.
  `
  ALTER TABLE organizations ADD COLUMN access_list_required INTEGER NOT NULL DEFAULT 0;

  ALTER TABLE api_keys ADD COLUMN group_roles TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE api_keys ADD COLUMN private_key_end TEXT;
  UPDATE api_keys SET access_list = (
    SELECT json_group_array(json_object('address', value, 'createdAtMs', created_at_ms)) FROM json_each(access_list)
  );

  ALTER TABLE service_accounts ADD COLUMN description TEXT NOT NULL DEFAULT '';
  ALTER TABLE service_accounts ADD COLUMN group_roles TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE service_accounts ADD COLUMN secrets TEXT NOT NULL DEFAULT '[]';
  UPDATE service_accounts SET
    secrets = json_array(json_object('id', id, 'hash', secret_hash, 'end', NULL, 'createdAtMs', created_at_ms, 'expiresAtMs', NULL)),
    access_list = (
      SELECT json_group_array(json_object('address', value, 'createdAtMs', created_at_ms)) FROM json_each(access_list)
    );
  ALTER TABLE service_accounts DROP COLUMN secret_hash;

  CREATE TABLE new_groups (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, name TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  INSERT INTO new_groups SELECT *, NULL FROM groups;
  DROP TABLE groups;
  ALTER TABLE new_groups RENAME TO groups;
  CREATE UNIQUE INDEX names_of_groups ON groups (org_id, name) WHERE deleted_at_ms IS NULL;

  CREATE TABLE new_clusters (
    id TEXT PRIMARY KEY, group_id TEXT NOT NULL REFERENCES groups, name TEXT NOT NULL, connection_string TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL, deleted_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  INSERT INTO new_clusters SELECT *, NULL FROM clusters;
  DROP TABLE clusters;
  ALTER TABLE new_clusters RENAME TO clusters;
  CREATE UNIQUE INDEX names_of_clusters ON clusters (group_id, name) WHERE deleted_at_ms IS NULL;

  CREATE TABLE audit_records (
    sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created_at_ms INTEGER NOT NULL, org_id TEXT NOT NULL, group_id TEXT,
    event_type_name TEXT NOT NULL, actor_kind TEXT NOT NULL, actor_name TEXT NOT NULL, remote_address TEXT, details TEXT NOT NULL,
    previous_hash TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_records_of_organization ON audit_records (org_id, sequence);
  CREATE INDEX audit_records_of_group ON audit_records (group_id, sequence);
  CREATE TRIGGER audit_records_stay BEFORE DELETE ON audit_records BEGIN SELECT RAISE(ABORT, 'audit records stay'); END;
  CREATE TRIGGER audit_records_stay_as_they_are BEFORE UPDATE ON audit_records
    BEGIN SELECT RAISE(ABORT, 'audit records stay as they are'); END;
  `,
  // Users that Linkspan creates on destinations.
  `
  ALTER TABLE clusters ADD COLUMN makes_users INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE destination_users (
    id TEXT PRIMARY KEY, purpose TEXT NOT NULL, cluster_id TEXT NOT NULL REFERENCES clusters, password TEXT NOT NULL,
    state TEXT NOT NULL, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX standing_destination_users ON destination_users (created_at_ms) WHERE state IN ('wanted', 'made');
  `,
  'ALTER TABLE organizations ADD COLUMN deleted_at_ms INTEGER',
  // Keys for signed answers to agents, link-tokens for one host, and approval of agents that take over a host name.
  `
  ALTER TABLE link_tokens ADD COLUMN host TEXT;
  ALTER TABLE links ADD COLUMN approved INTEGER NOT NULL DEFAULT 1;

  CREATE TABLE server_keys (
    id TEXT PRIMARY KEY, private_key TEXT NOT NULL, superseded_at_ms INTEGER, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // Restores of the store. Their numbers give the order of detection, because the clock may be wrong.
  `
  CREATE TABLE restores (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, reason TEXT NOT NULL, acknowledged_at_ms INTEGER,
    created_at_ms INTEGER NOT NULL
  ) STRICT;
  `,
  // MACs of audit records, and the keys to check them after a rotation.
  `
  ALTER TABLE audit_records ADD COLUMN key_id TEXT;
  ALTER TABLE audit_records ADD COLUMN mac TEXT;

  CREATE TABLE audit_keys (
    id TEXT PRIMARY KEY, mac_key TEXT NOT NULL, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // The address of a validation's destination.
  `
  ALTER TABLE validations ADD COLUMN destination_address TEXT;
  CREATE INDEX validations_of_group ON validations (group_id, created_at_ms);
  `,
  // The queue of events for hooks, the number of the last audit record that was looked at for it, and watches of sources after commits.
  `
  CREATE TABLE hook_deliveries (
    id TEXT PRIMARY KEY, hook TEXT NOT NULL, subject TEXT NOT NULL, sequence INTEGER NOT NULL, event TEXT NOT NULL,
    attempts INTEGER NOT NULL, last_error TEXT, given_up_at_ms INTEGER, created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX hook_deliveries_in_order ON hook_deliveries (hook, subject, sequence) WHERE given_up_at_ms IS NULL;
  CREATE INDEX hook_deliveries_of_migration ON hook_deliveries (subject, sequence);

  CREATE TABLE hook_cursor (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL) STRICT;

  CREATE INDEX watched_migrations ON migrations (agent_id)
    WHERE state ->> '$.sourceWatch.token' IS NOT NULL AND state ->> '$.sourceWatch.ended' IS NULL;
  `,
  // Reversible migrations. They stay active after a cutover until their way back is closed.
  `
  ALTER TABLE agents ADD COLUMN features TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE validations ADD COLUMN reversible INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE migrations ADD COLUMN reversible INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE migrations ADD COLUMN way_back TEXT;

  DROP INDEX active_migrations;
  DROP INDEX active_migrations_of_agent;
  DROP INDEX active_migrations_of_organization;
  ALTER TABLE migrations ADD COLUMN is_active INTEGER GENERATED ALWAYS AS (
    status IN ('NEW', 'WORKING') OR (status = 'COMPLETE' AND coalesce(state ->> 'wayBack', '') IN ('open', 'failed', 'finishing'))
  ) VIRTUAL;
  CREATE INDEX active_migrations ON migrations (created_at_ms) WHERE is_active;
  CREATE INDEX active_migrations_of_agent ON migrations (agent_id) WHERE is_active;
  CREATE INDEX active_migrations_of_organization ON migrations (org_id) WHERE is_active;
  `,
  // Figures of migrations for charts.
  `
  CREATE TABLE migration_samples (
    migration_id TEXT NOT NULL, span_ms INTEGER NOT NULL, part INTEGER NOT NULL, at_ms INTEGER NOT NULL, figures TEXT NOT NULL,
    PRIMARY KEY (migration_id, span_ms, part)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX migration_samples_by_age ON migration_samples (span_ms, at_ms);
  `,
  // Lists of migrations that agents report in parts: collections and mismatches.
  `
  CREATE TABLE migration_lists (
    migration_id TEXT NOT NULL, list TEXT NOT NULL, series TEXT NOT NULL, part INTEGER NOT NULL, total INTEGER NOT NULL,
    stored INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (migration_id, list)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE migration_list_items (
    migration_id TEXT NOT NULL, list TEXT NOT NULL, id TEXT NOT NULL, namespace TEXT NOT NULL, rank REAL NOT NULL, item TEXT NOT NULL,
    PRIMARY KEY (migration_id, list, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX migration_list_items_by_rank ON migration_list_items (migration_id, list, rank DESC, id, namespace);
  `,
  // Size and duration of the copy, as a validation estimates them.
  `
  ALTER TABLE validations ADD COLUMN estimate TEXT;
  `,
  // When an agent last reported a migration.
  'ALTER TABLE migrations ADD COLUMN reported_at_ms INTEGER',
  // When an agent first reported after its last silence.
  'ALTER TABLE agents ADD COLUMN heard_since_ms INTEGER',
  // Reports have the form of the contract (docs/adr/0036-contract.md). Agents report it anew.
  `
  DROP INDEX active_migrations;
  DROP INDEX active_migrations_of_agent;
  DROP INDEX active_migrations_of_organization;
  ALTER TABLE migrations DROP COLUMN is_active;
  UPDATE migrations SET
    progress = NULL,
    way_back = json_set(way_back, '$.state', upper(way_back ->> 'state')),
    state = json_set(json_remove(state, '$.sourceWatch'), '$.wanted', upper(state ->> 'wanted'));
  UPDATE migrations SET state = json_set(state, '$.wayBack', upper(state ->> 'wayBack')) WHERE state ->> 'wayBack' IS NOT NULL;
  ALTER TABLE migrations ADD COLUMN is_active INTEGER GENERATED ALWAYS AS (
    status IN ('NEW', 'WORKING') OR (status = 'COMPLETE' AND coalesce(state ->> 'wayBack', '') IN ('OPEN', 'FAILED', 'FINISHING'))
  ) VIRTUAL;
  CREATE INDEX active_migrations ON migrations (created_at_ms) WHERE is_active;
  CREATE INDEX active_migrations_of_agent ON migrations (agent_id) WHERE is_active;
  CREATE INDEX active_migrations_of_organization ON migrations (org_id) WHERE is_active;
  UPDATE migration_samples SET figures =
    json_set(figures, '$.state', iif(figures ->> 'state' = 'tailing', 'FOLLOWING', upper(figures ->> 'state')));
  UPDATE validations SET
    findings = replace(replace(replace(findings, '"severity":"error"', '"severity":"ERROR"'),
      '"severity":"warning"', '"severity":"WARNING"'), '"concerns":"cutover"', '"concerns":"CUTOVER"'),
    estimate = replace(replace(replace(estimate, '"restsOn":"assumption"', '"restsOn":"ASSUMPTION"'),
      '"restsOn":"measured read of the source"', '"restsOn":"MEASURED_SOURCE_READ"'),
      '"restsOn":"limit of the configuration"', '"restsOn":"CONFIGURED_LIMIT"');
  DELETE FROM migration_list_items;
  DELETE FROM migration_lists;
  `,
  // The organization of each event that waits for a hook: each has a share of the queue.
  `
  ALTER TABLE hook_deliveries ADD COLUMN org_id TEXT GENERATED ALWAYS AS (event ->> '$.data.orgId') VIRTUAL;
  CREATE INDEX hook_deliveries_of_organization ON hook_deliveries (hook, org_id);
  `,
  // The organization in whose quota another one counts. The first audit record is of the first organization.
  `
  ALTER TABLE organizations ADD COLUMN creator_id TEXT;
  UPDATE organizations SET creator_id = (SELECT org_id FROM audit_records ORDER BY sequence LIMIT 1)
    WHERE id <> (SELECT org_id FROM audit_records ORDER BY sequence LIMIT 1);
  `,
  // All that an operator wants of a migration is one order (docs/adr/0037-order.md).
  `
  UPDATE migrations SET state = json_set(
    json_remove(state, '$.wanted', '$.dropCopied', '$.loadLevel', '$.copyMegabytesPerSecond', '$.dropsConfirmed',
      '$.reversals', '$.cutoverAborted', '$.rehearsal'),
    '$.order', json_object(
      'revision', 0,
      'direction', coalesce(state ->> 'reversals', 0),
      'wanted', state ->> 'wanted',
      'drop', json(iif(coalesce(state ->> 'dropCopied', 0), 'true', 'false')),
      'loadLevel', coalesce(state ->> 'loadLevel', 3),
      'copyBytesPerSecond', (state ->> 'copyMegabytesPerSecond') * 1000000,
      'drops', json(iif(state ->> 'dropsConfirmed' IS NULL, 'null', json_object(
        'direction', coalesce(state ->> 'reversals', 0) + (status = 'COMPLETE'), 'confirmed', state ->> 'dropsConfirmed'))),
      'rehearsal', state ->> 'rehearsal',
      'abort', state ->> 'cutoverAborted',
      'finish', iif(state ->> 'wayBack' = 'FINISHING', coalesce(state ->> 'reversals', 0) - (status <> 'COMPLETE'), NULL)));
  UPDATE migrations SET state = json_set(state, '$.wayBack', iif(status = 'COMPLETE', 'PREPARING', 'PLANNED'))
    WHERE state ->> 'wayBack' IN ('OPEN', 'FINISHING');
  DROP INDEX active_migrations;
  DROP INDEX active_migrations_of_agent;
  DROP INDEX active_migrations_of_organization;
  ALTER TABLE migrations DROP COLUMN is_active;
  ALTER TABLE migrations ADD COLUMN is_active INTEGER GENERATED ALWAYS AS (
    status IN ('NEW', 'WORKING') OR (status = 'COMPLETE' AND coalesce(state ->> 'wayBack', '') IN ('PREPARING', 'FOLLOWING', 'FAILED'))
  ) VIRTUAL;
  CREATE INDEX active_migrations ON migrations (created_at_ms) WHERE is_active;
  CREATE INDEX active_migrations_of_agent ON migrations (agent_id) WHERE is_active;
  CREATE INDEX active_migrations_of_organization ON migrations (org_id) WHERE is_active;
  `,
];

/** The first schema version of a store with a head file. */
export const HEAD_FILE_SINCE = 9;

/**
 * Upgrades a database to this release's schema in one transaction. Foreign keys must not be enforced during the upgrade, because a step
 * may replace a table to which others refer. It checks all of them at the end.
 * @param directory  path for error messages
 * @throws UserError STORE_TOO_NEW
 */
export function upgradeSchema(database: DatabaseSync, directory: string): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = versionOf(database, directory);
    for (const step of VERSIONS.slice(version)) database.exec(step);
    const [broken] = version < VERSIONS.length ? database.prepare('PRAGMA foreign_key_check').all() : [];
    if (broken) throw new Error(`A record of ${broken.table} refers to a missing record`);
    database.exec(`PRAGMA user_version = ${VERSIONS.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** Checks that a store has this release's schema. @throws UserError STORE_TOO_NEW, STORE_TOO_OLD */
export function assertCurrentSchema(database: DatabaseSync, directory: string): void {
  const version = versionOf(database, directory);
  if (version < VERSIONS.length) {
    throw new UserError('STORE_TOO_OLD', [directory, String(version), String(VERSIONS.length)]);
  }
}

/** The schema version of a store. @param place  path for error messages @throws UserError STORE_TOO_NEW */
export function versionOf(database: DatabaseSync, place: string): number {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version <= VERSIONS.length) return version;
  throw new UserError('STORE_TOO_NEW', [place, String(version), String(VERSIONS.length)]);
}
