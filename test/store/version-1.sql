-- A store as the first version left it, with a migration that is ready and one that is new.
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

INSERT INTO organizations VALUES ('aaaaaaaaaaaaaaaaaaaaaaaa', 'Linkspan', 1);
INSERT INTO api_keys VALUES ('bbbbbbbbbbbbbbbbbbbbbbbb', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'abcdefgh', '', '["ORG_OWNER"]', 'sealed', 1);
INSERT INTO groups VALUES ('cccccccccccccccccccccccc', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'project', 1);
INSERT INTO clusters VALUES ('dddddddddddddddddddddddd', 'cccccccccccccccccccccccc', 'C', 'sealed', 1);
INSERT INTO link_tokens VALUES ('token0000001', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'hash', '[]', 'abcdefgh', 1, 2, NULL);
INSERT INTO links VALUES ('eeeeeeeeeeeeeeeeeeeeeeee', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'token0000001', '[]', 2, NULL);
INSERT INTO agents VALUES ('ffffffffffffffffffffffff', 'eeeeeeeeeeeeeeeeeeeeeeee', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'key', 'host', '1.0.0', '[]', 2, -1, NULL);
INSERT INTO migrations (id, org_id, group_id, agent_id, host, source_group_id, source_cluster_name, destination_cluster_id, ssl, drop_destination,
  state, created_at_ms, updated_at_ms)
VALUES
  ('111111111111111111111111', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'cccccccccccccccccccccccc', 'ffffffffffffffffffffffff', 'host', '555555555555555555555555',
   'source', 'dddddddddddddddddddddddd', 0, 0,
   '{"status":"WORKING","wanted":"running","readyForCutover":true,"readySinceMs":1000,"endedAtMs":null,"errorMessage":null}', 3, 3),
  ('222222222222222222222222', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'cccccccccccccccccccccccc', 'ffffffffffffffffffffffff', 'host', '555555555555555555555555',
   'source', 'dddddddddddddddddddddddd', 0, 0,
   '{"status":"NEW","wanted":"running","readyForCutover":false,"readySinceMs":null,"endedAtMs":null,"errorMessage":null}', 4, 4);
PRAGMA user_version = 1;
