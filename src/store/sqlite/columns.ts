import type { SQLOutputValue } from 'node:sqlite';
import type { Kind, Order, Records } from '../../control/index.ts';

/** Reads a field of a record from its column. */
export type Decoder = (value: SQLOutputValue) => unknown;

const asItIs: Decoder = (value) => value;
const json: Decoder = (value) => (value === null ? null : JSON.parse(String(value)));
const flag: Decoder = (value) => value === 1;

/** Fields with texts, numbers and nulls. */
function plain<Field extends string>(...fields: readonly Field[]): Readonly<Record<Field, Decoder>> {
  return Object.fromEntries(fields.map((field) => [field, asItIs])) as Record<Field, Decoder>;
}

/** A decoder for each field of a record. */
type Columns<T> = { readonly [F in keyof T]-?: Decoder };

const order: Columns<Order> = {
  ...plain(
    'orgId',
    'groupId',
    'agentId',
    'host',
    'sourceGroupId',
    'sourceClusterName',
    'destinationClusterId',
    'username',
    'password',
    'caCertificatePath',
    'digestsBy',
  ),
  ssl: flag,
  dropDestination: flag,
  reversible: flag,
  usersAndRoles: flag,
};

/** The columns of all tables. A column has the field's name in snake case; fields that queries name have more of them. */
export const COLUMNS: { readonly [K in Kind]: Columns<Records[K]> } = {
  organizations: { ...plain('id', 'name', 'creatorId', 'createdAtMs', 'deletedAtMs'), accessListRequired: flag },
  accounts: {
    ...plain('id', 'kind', 'orgId', 'name', 'description', 'createdAtMs', 'verifiers', 'privateKeyEnd', 'title'),
    roles: json,
    groupRoles: json,
    accessList: json,
    secrets: json,
  },
  revokedAccessTokens: { ...plain('id', 'expiresAtMs', 'createdAtMs') },
  serverKeys: { ...plain('id', 'privateKey', 'supersededAtMs', 'createdAtMs') },
  groups: { ...plain('id', 'orgId', 'name', 'createdAtMs', 'deletedAtMs') },
  clusters: { ...plain('id', 'groupId', 'name', 'connectionString', 'createdAtMs', 'deletedAtMs'), makesUsers: flag },
  linkTokens: {
    ...plain(
      'id',
      'orgId',
      'secretHash',
      'createdBy',
      'createdAtMs',
      'host',
      'hosts',
      'expiresAtMs',
      'redeemedAtMs',
      'deletedAtMs',
    ),
    accessListIps: json,
  },
  links: { ...plain('id', 'orgId', 'tokenId', 'setId', 'createdAtMs', 'ended'), accessListIps: json, approved: flag },
  agents: {
    ...plain(
      'id',
      'linkId',
      'orgId',
      'publicKey',
      'host',
      'version',
      'createdAtMs',
      'lastSequence',
      'lastReportAtMs',
      'heardSinceMs',
      'maxMigrations',
    ),
    inventory: json,
    standbys: json,
  },
  validations: {
    ...order,
    ...plain('id', 'status', 'errorMessage', 'destinationAddress', 'createdAtMs'),
    findings: json,
    estimate: json,
  },
  migrations: {
    ...order,
    ...plain('id', 'reportedAtMs', 'note', 'createdAtMs', 'updatedAtMs'),
    state: json,
    progress: json,
    failback: json,
    takenOver: json,
    move: json,
    labels: json,
    idempotency: json,
  },
  migrationSamples: { ...plain('migrationId', 'spanMs', 'atMs'), figures: json },
  migrationLists: { ...plain('migrationId', 'list', 'series', 'part', 'total', 'stored', 'atMs') },
  migrationListItems: { ...plain('migrationId', 'list', 'rank'), item: json },
  destinationUsers: { ...plain('id', 'purpose', 'clusterId', 'password', 'state', 'createdAtMs') },
  restores: { ...plain('id', 'number', 'reason', 'acknowledgedAtMs', 'createdAtMs') },
  auditRecords: {
    ...plain(
      'id',
      'sequence',
      'createdAtMs',
      'orgId',
      'groupId',
      'eventTypeName',
      'actorKind',
      'actorName',
      'remoteAddress',
      'previousHash',
      'hash',
      'keyId',
      'mac',
    ),
    details: json,
  },
  auditKeys: { ...plain('id', 'macKey', 'createdAtMs') },
  hookDeliveries: {
    ...plain('id', 'hook', 'subject', 'sequence', 'attempts', 'lastError', 'givenUpAtMs', 'createdAtMs'),
    event: json,
  },
  hookCursors: { ...plain('id', 'sequence') },
};
