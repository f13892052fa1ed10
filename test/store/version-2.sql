-- A store as the second version left it, with an API key and a service account that have access lists.
CREATE TABLE organizations (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organizations, public_key TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
  roles TEXT NOT NULL, verifiers TEXT NOT NULL, created_at_ms INTEGER NOT NULL
, access_list TEXT NOT NULL DEFAULT '[]') STRICT, WITHOUT ROWID;

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

INSERT INTO organizations (id, name, created_at_ms)
VALUES ('aaaaaaaaaaaaaaaaaaaaaaaa', 'Linkspan', 1);
INSERT INTO api_keys (id, org_id, public_key, description, roles, verifiers, created_at_ms, access_list)
VALUES ('bbbbbbbbbbbbbbbbbbbbbbbb', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'abcdefgh', '', '["ORG_OWNER"]', 'sealed', 1, '["192.0.2.1","198.51.100.0/24"]');
INSERT INTO groups (id, org_id, name, created_at_ms)
VALUES ('cccccccccccccccccccccccc', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'project', 1);
INSERT INTO clusters (id, group_id, name, connection_string, created_at_ms)
VALUES ('dddddddddddddddddddddddd', 'cccccccccccccccccccccccc', 'C', 'sealed', 1);
INSERT INTO link_tokens (id, org_id, secret_hash, access_list_ips, created_by, created_at_ms, redeemed_at_ms, deleted_at_ms)
VALUES ('token0000001', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'hash', '[]', 'abcdefgh', 1, 2, NULL);
INSERT INTO links (id, org_id, token_id, access_list_ips, created_at_ms, ended)
VALUES ('eeeeeeeeeeeeeeeeeeeeeeee', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'token0000001', '[]', 2, NULL);
INSERT INTO agents (id, link_id, org_id, public_key, host, version, inventory, created_at_ms, last_sequence, last_report_at_ms)
VALUES ('ffffffffffffffffffffffff', 'eeeeeeeeeeeeeeeeeeeeeeee', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'key', 'host', '1.0.0', '[]', 2, -1, NULL);
INSERT INTO migrations (id, org_id, group_id, agent_id, host, source_group_id, source_cluster_name, destination_cluster_id, username, password, ssl, ca_certificate_path, drop_destination, state, progress, created_at_ms, updated_at_ms)
VALUES ('111111111111111111111111', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'cccccccccccccccccccccccc', 'ffffffffffffffffffffffff', 'host', '555555555555555555555555', 'source', 'dddddddddddddddddddddddd', NULL, NULL, 0, NULL, 0, '{"status":"WORKING","wanted":"running","readyForCutover":true,"endedAtMs":null,"errorMessage":null,"windowEndsAtMs":432001000,"loadLevel":3,"dropCopied":false}', NULL, 3, 3);
INSERT INTO migrations (id, org_id, group_id, agent_id, host, source_group_id, source_cluster_name, destination_cluster_id, username, password, ssl, ca_certificate_path, drop_destination, state, progress, created_at_ms, updated_at_ms)
VALUES ('222222222222222222222222', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'cccccccccccccccccccccccc', 'ffffffffffffffffffffffff', 'host', '555555555555555555555555', 'source', 'dddddddddddddddddddddddd', NULL, NULL, 0, NULL, 0, '{"status":"NEW","wanted":"running","readyForCutover":false,"endedAtMs":null,"errorMessage":null,"windowEndsAtMs":null,"loadLevel":3,"dropCopied":false}', NULL, 4, 4);
INSERT INTO service_accounts (id, org_id, client_id, name, roles, secret_hash, access_list, created_at_ms)
VALUES ('333333333333333333333333', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'mdb_sa_id_0c0c0c0c0c0c0c0c0c0c0c0c', 'account', '["ORG_OWNER"]', 'hash', '["192.0.2.1"]', 5);
PRAGMA user_version = 2;
