import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type {
  Agent,
  ApiKey,
  AuditFilter,
  AuditKey,
  AuditRecord,
  Cluster,
  DestinationUser,
  Group,
  HookDelivery,
  Migration,
  Order,
  Organization,
  Restore,
  RevokedAccessToken,
  ServerKey,
  ServiceAccount,
  StoredLink,
  StoredLinkToken,
  StoreTransaction,
  Validation,
} from '../../control/index.ts';
import { listsOn } from './lists.ts';
import { samplesOn } from './samples.ts';
import { notSealedAs, replaceSealed } from './sealed-values.ts';
import { type Columns, flag, json, plain, Table } from './table.ts';

const order: Columns<Order> = {
  orgId: plain,
  groupId: plain,
  agentId: plain,
  host: plain,
  sourceGroupId: plain,
  sourceClusterName: plain,
  destinationClusterId: plain,
  username: plain,
  password: plain,
  ssl: flag,
  caCertificatePath: plain,
  dropDestination: flag,
  reversible: flag,
};

const OPEN_TOKEN = 'redeemed_at_ms IS NULL AND deleted_at_ms IS NULL';
const REDEEMABLE = `${OPEN_TOKEN} AND (expires_at_ms IS NULL OR expires_at_ms > ?)`;
const WATCHED = "state ->> '$.sourceWatch.token' IS NOT NULL AND state ->> '$.sourceWatch.ended' IS NULL";
const ACTIVE = 'is_active';

/** The store's operations on one connection. src/control/records/store-port.ts defines their contract. */
export function operationsOn(database: DatabaseSync): StoreTransaction {
  const organizations = new Table<Organization>(database, 'organizations', {
    id: plain,
    name: plain,
    accessListRequired: flag,
    creatorId: plain,
    createdAtMs: plain,
    deletedAtMs: plain,
  });
  const apiKeys = new Table<ApiKey>(database, 'api_keys', {
    id: plain,
    orgId: plain,
    publicKey: plain,
    description: plain,
    roles: json,
    groupRoles: json,
    verifiers: plain,
    privateKeyEnd: plain,
    accessList: json,
    createdAtMs: plain,
  });
  const serviceAccounts = new Table<ServiceAccount>(database, 'service_accounts', {
    id: plain,
    orgId: plain,
    clientId: plain,
    name: plain,
    description: plain,
    roles: json,
    groupRoles: json,
    secrets: json,
    accessList: json,
    createdAtMs: plain,
  });
  const revokedAccessTokens = new Table<RevokedAccessToken>(database, 'revoked_access_tokens', {
    id: plain,
    expiresAtMs: plain,
    createdAtMs: plain,
  });
  const serverKeys = new Table<ServerKey>(database, 'server_keys', {
    id: plain,
    privateKey: plain,
    supersededAtMs: plain,
    createdAtMs: plain,
  });
  const groups = new Table<Group>(database, 'groups', {
    id: plain,
    orgId: plain,
    name: plain,
    createdAtMs: plain,
    deletedAtMs: plain,
  });
  const clusters = new Table<Cluster>(database, 'clusters', {
    id: plain,
    groupId: plain,
    name: plain,
    connectionString: plain,
    makesUsers: flag,
    createdAtMs: plain,
    deletedAtMs: plain,
  });
  const linkTokens = new Table<StoredLinkToken>(database, 'link_tokens', {
    id: plain,
    orgId: plain,
    secretHash: plain,
    accessListIps: json,
    createdBy: plain,
    createdAtMs: plain,
    host: plain,
    expiresAtMs: plain,
    redeemedAtMs: plain,
    deletedAtMs: plain,
  });
  const links = new Table<StoredLink>(database, 'links', {
    id: plain,
    orgId: plain,
    tokenId: plain,
    accessListIps: json,
    createdAtMs: plain,
    ended: plain,
    approved: flag,
  });
  const agents = new Table<Agent>(database, 'agents', {
    id: plain,
    linkId: plain,
    orgId: plain,
    publicKey: plain,
    host: plain,
    version: plain,
    inventory: json,
    createdAtMs: plain,
    lastSequence: plain,
    lastReportAtMs: plain,
    heardSinceMs: plain,
  });
  const validations = new Table<Validation>(database, 'validations', {
    ...order,
    id: plain,
    status: plain,
    errorMessage: plain,
    findings: json,
    estimate: json,
    destinationAddress: plain,
    createdAtMs: plain,
  });
  const migrations = new Table<Migration>(database, 'migrations', {
    ...order,
    id: plain,
    state: json,
    progress: json,
    failback: json,
    reportedAtMs: plain,
    createdAtMs: plain,
    updatedAtMs: plain,
  });
  const destinationUsers = new Table<DestinationUser>(database, 'destination_users', {
    id: plain,
    purpose: plain,
    clusterId: plain,
    password: plain,
    state: plain,
    createdAtMs: plain,
  });
  const restores = new Table<Restore>(database, 'restores', {
    id: plain,
    number: plain,
    reason: plain,
    acknowledgedAtMs: plain,
    createdAtMs: plain,
  });
  const auditRecords = new Table<AuditRecord>(database, 'audit_records', {
    id: plain,
    sequence: plain,
    createdAtMs: plain,
    orgId: plain,
    groupId: plain,
    eventTypeName: plain,
    actorKind: plain,
    actorName: plain,
    remoteAddress: plain,
    details: json,
    previousHash: plain,
    hash: plain,
    keyId: plain,
    mac: plain,
  });
  const hookDeliveries = new Table<HookDelivery>(database, 'hook_deliveries', {
    id: plain,
    hook: plain,
    subject: plain,
    sequence: plain,
    event: json,
    attempts: plain,
    lastError: plain,
    givenUpAtMs: plain,
    createdAtMs: plain,
  });
  const auditKeys = new Table<AuditKey>(database, 'audit_keys', { id: plain, macKey: plain, createdAtMs: plain });

  return {
    organization: async (id) => organizations.find('id = ?', id),
    organizations: async () => organizations.list('deleted_at_ms IS NULL'),
    apiKey: async (publicKey) => apiKeys.find('public_key = ?', publicKey),
    apiKeysOf: async (orgId) => apiKeys.list('org_id = ?', orgId),
    serviceAccount: async (clientId) => serviceAccounts.find('client_id = ?', clientId),
    serviceAccountsOf: async (orgId) => serviceAccounts.list('org_id = ?', orgId),
    revokedAccessToken: async (id) => revokedAccessTokens.find('id = ?', id),
    serverKeys: async () => serverKeys.list('TRUE'),
    group: async (id) => groups.find('id = ?', id),
    groupsOf: async (orgId) => groups.list('org_id = ? AND deleted_at_ms IS NULL', orgId),
    cluster: async (id) => clusters.find('id = ?', id),
    clustersOf: async (groupId) => clusters.list('group_id = ? AND deleted_at_ms IS NULL', groupId),
    clusterNamed: async (groupId, name) =>
      clusters.find('group_id = ? AND name = ? AND deleted_at_ms IS NULL', groupId, name),
    linkToken: async (id) => linkTokens.find('id = ?', id),
    openLinkTokensOf: async (orgId) => linkTokens.list(`org_id = ? AND ${OPEN_TOKEN}`, orgId),
    countLinkTokensOf: async (orgId, atMs) => linkTokens.count(`org_id = ? AND ${REDEEMABLE}`, orgId, atMs),
    link: async (id) => links.find('id = ?', id),
    linkOfToken: async (tokenId) => links.find('token_id = ?', tokenId),
    openLinksOf: async (orgId) => links.list('org_id = ? AND ended IS NULL', orgId),
    agent: async (id) => agents.find('id = ?', id),
    agentOfLink: async (linkId) => agents.find('link_id = ?', linkId),
    linkedAgentsOf: async (orgId) =>
      agents.list('link_id IN (SELECT id FROM links WHERE org_id = ? AND ended IS NULL AND approved = 1)', orgId),
    validation: async (id) => validations.find('id = ?', id),
    lastValidationInto: async (groupId, clusterName) => {
      const isInto = 'destination_cluster_id IN (SELECT id FROM clusters WHERE group_id = ? AND name = ?)';
      const where = `group_id = ? AND status <> 'FAILED' AND ${isInto}`;
      return validations.listBy(where, 'created_at_ms DESC, id DESC LIMIT 1', groupId, groupId, clusterName)[0];
    },
    pendingValidationsOf: async (agentId) => validations.list("agent_id = ? AND status = 'PENDING'", agentId),
    migration: async (id) => migrations.find('id = ?', id),
    migrationsOf: async (groupId) => migrations.list('group_id = ?', groupId),
    activeMigrations: async () => migrations.list(ACTIVE),
    activeMigrationsOfAgent: async (agentId) => migrations.list(`agent_id = ? AND ${ACTIVE}`, agentId),
    activeMigrationsOfOrganization: async (orgId) => migrations.list(`org_id = ? AND ${ACTIVE}`, orgId),
    migrationsSince: async (timeMs, limit) =>
      migrations.listBy(
        `${ACTIVE} OR state ->> '$.endedAtMs' >= ?`,
        `${ACTIVE} DESC, created_at_ms DESC, id DESC LIMIT ?`,
        timeMs,
        limit,
      ),
    watchedMigrations: async () => migrations.list(WATCHED),
    watchedMigrationsOfAgent: async (agentId) => migrations.list(`agent_id = ? AND ${WATCHED}`, agentId),
    destinationUser: async (id) => destinationUsers.find('id = ?', id),
    standingDestinationUsers: async () => destinationUsers.list("state IN ('wanted', 'made')"),
    valuesNotSealedAs: async (mark, limit) => notSealedAs(database, mark, limit),
    restores: async () => restores.listBy('TRUE', 'number'),
    lastRestore: async () => restores.listBy('TRUE', 'number DESC LIMIT 1')[0],
    lastAuditRecord: async () => auditRecords.listBy('true', 'sequence DESC LIMIT 1')[0],
    hookCursor: async () => {
      const row = hookDeliveries.prepare('SELECT sequence FROM hook_cursor').get();
      return row && Number(row.sequence);
    },
    headsOfHooks: async (hooks) => {
      const oldest = 'SELECT hook, subject, min(sequence) FROM hook_deliveries WHERE given_up_at_ms IS NULL';
      const where =
        'hook IN (SELECT value FROM json_each(?)) AND given_up_at_ms IS NULL ' +
        `AND (hook, subject, sequence) IN (${oldest} GROUP BY hook, subject)`;
      return hookDeliveries.listBy(where, 'sequence', JSON.stringify(hooks));
    },
    hookDeliveriesOf: async (subject) => hookDeliveries.listBy('subject = ?', 'sequence, hook', subject),
    countHookDeliveries: async (hook) => {
      const counted = 'SELECT org_id, count(*) AS count FROM hook_deliveries WHERE hook = ? GROUP BY org_id';
      const rows = hookDeliveries.prepare(counted).all(hook);
      return new Map(rows.map(({ org_id: orgId, count }) => [String(orgId ?? ''), Number(count)]));
    },
    auditKey: async (id) => auditKeys.find('id = ?', id),
    auditRecord: async (id) => auditRecords.find('id = ?', id),
    auditRecordsAfter: async (sequence, limit) =>
      auditRecords.listBy('sequence > ?', 'sequence LIMIT ?', sequence, limit),
    auditRecords: async (filter, skip, limit) => {
      const { where, values } = conditionOf(filter);
      return auditRecords.listBy(where, 'sequence DESC LIMIT ? OFFSET ?', ...values, limit, skip);
    },
    countAuditRecords: async (filter) => {
      const { where, values } = conditionOf(filter);
      return auditRecords.count(where, ...values);
    },

    insertOrganization: async (record) => organizations.insert(record),
    updateOrganization: async (record) => organizations.update(record),
    insertApiKey: async (record) => apiKeys.insert(record),
    updateApiKey: async (record) => apiKeys.update(record),
    deleteApiKey: async (id) => apiKeys.delete(id),
    insertServiceAccount: async (record) => serviceAccounts.insert(record),
    updateServiceAccount: async (record) => serviceAccounts.update(record),
    deleteServiceAccount: async (id) => serviceAccounts.delete(id),
    insertRevokedAccessToken: async (record) => revokedAccessTokens.insert(record),
    deleteRevokedAccessTokens: async (untilMs) => {
      revokedAccessTokens.prepare('DELETE FROM revoked_access_tokens WHERE expires_at_ms <= ?').run(untilMs);
    },
    insertGroup: async (record) => groups.insert(record),
    updateGroup: async (record) => groups.update(record),
    insertCluster: async (record) => clusters.insert(record),
    updateCluster: async (record) => clusters.update(record),
    insertLinkToken: async (record) => linkTokens.insert(record),
    redeemLinkToken: async (id, atMs) => {
      const sql = `UPDATE link_tokens SET redeemed_at_ms = ? WHERE id = ? AND ${REDEEMABLE}`;
      return linkTokens.prepare(sql).run(atMs, id, atMs).changes === 1;
    },
    updateLinkToken: async (record) => linkTokens.update(record),
    insertLink: async (record) => links.insert(record),
    updateLink: async (record) => links.update(record),
    insertAgent: async (record) => agents.insert(record),
    updateAgent: async (record) => agents.update(record),
    insertValidation: async (record) => validations.insert(record),
    updateValidation: async (record) => validations.update(record),
    insertMigration: async (record) => migrations.insert(record),
    updateMigration: async (record) => migrations.update(record),
    insertServerKey: async (record) => serverKeys.insert(record),
    updateServerKey: async (record) => serverKeys.update(record),
    insertDestinationUser: async (record) => destinationUsers.insert(record),
    updateDestinationUser: async (record) => destinationUsers.update(record),
    insertRestore: async (record) => restores.insert(record),
    updateRestore: async (record) => restores.update(record),
    replaceSealed: async (place, value) => replaceSealed(database, place, value),
    setHookCursor: async (sequence) => {
      if (sequence === null) hookDeliveries.prepare('DELETE FROM hook_cursor').run();
      else hookDeliveries.prepare('INSERT OR REPLACE INTO hook_cursor VALUES (1, ?)').run(sequence);
    },
    insertHookDelivery: async (record) => hookDeliveries.insert(record),
    updateHookDelivery: async (record) => hookDeliveries.update(record),
    deleteHookDelivery: async (id) => hookDeliveries.delete(id),
    deleteHookDeliveries: async (untilMs) => {
      hookDeliveries.prepare('DELETE FROM hook_deliveries WHERE created_at_ms <= ?').run(untilMs);
    },
    insertAuditKey: async (record) => auditKeys.insert(record),
    appendAuditRecord: async (record) => auditRecords.insert(record),
    ...samplesOn(database),
    ...listsOn(database),
  };
}

/** Whether the details have one of the names of a target. */
const HAS_DETAIL = `EXISTS (SELECT 1 FROM json_each(details) AS detail, json_each(?, '$.names') AS name WHERE detail.key = name.value)`;
/** Whether the details have the id of a target under one of its names: a value, or an element of a list. */
const HAS_TARGET = `EXISTS (
  SELECT 1 FROM (SELECT ? AS target), json_each(target, '$.names') AS name, json_tree(details) AS detail
  WHERE detail.atom = json_extract(target, '$.id')
    AND (detail.fullkey = '$.' || name.value OR detail.path = '$.' || name.value)
)`;

/** The condition of a filter. It passes the names of events as one value, so that few different statements are needed. */
function conditionOf(filter: AuditFilter): { where: string; values: SQLInputValue[] } {
  const { orgId, groupId, eventTypeNames, actorName, target, fromMs, untilMs } = filter;
  const id = target?.id;
  const conditions: readonly (readonly [string, SQLInputValue | undefined])[] = [
    ['org_id = ?', orgId],
    ['group_id = ?', groupId],
    ['event_type_name IN (SELECT value FROM json_each(?))', eventTypeNames && JSON.stringify(eventTypeNames)],
    ['actor_name = ?', actorName],
    // Cheap, so that few records are parsed.
    ['instr(details, ?) > 0', id === undefined ? undefined : JSON.stringify(id)],
    [id === undefined ? HAS_DETAIL : HAS_TARGET, target && JSON.stringify({ names: target.details, id })],
    ['created_at_ms >= ?', fromMs],
    ['created_at_ms <= ?', untilMs],
  ];
  const given = conditions.flatMap(([where, value]) => (value === undefined ? [] : [{ where, value }]));
  return { where: given.map(({ where }) => where).join(' AND '), values: given.map(({ value }) => value) };
}
