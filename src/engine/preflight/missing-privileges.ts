import { ACCOUNT_ACTIONS } from '../../platform/index.ts';
import { BLOCK_RECORD } from '../mongodb/namespaces.ts';
import type { Login, Privileges } from '../mongodb/privileges.ts';
import type { Side } from '../mongodb/side.ts';

/** Actions that the engine takes. */
interface Needs {
  readonly cluster: readonly string[];
  readonly databases: readonly string[];
}

/** The actions that the engine needs on the source. */
function sourceNeeds(blocks: boolean, sharded: boolean): Needs {
  const block = blocks ? ['inprog', 'setUserWriteBlockMode'] : [];
  const identity = sharded ? [] : ['replSetGetConfig', 'getParameter'];
  return {
    cluster: ['appendOplogNote', ...identity, 'listDatabases', ...block],
    databases: ['find', 'changeStream', 'listCollections', 'listIndexes', 'collStats'],
  };
}

/** The actions that the engine needs on the destination (docs/reference/mongodb-behaviour.md#fact-8-10). */
const DESTINATION_NEEDS: Needs = {
  cluster: ['replSetGetConfig', 'getParameter', 'listDatabases'],
  databases: [
    'find',
    'insert',
    'update',
    'remove',
    'bypassDocumentValidation',
    'createCollection',
    'dropCollection',
    'dropDatabase',
    'renameCollectionSameDB',
    'collMod',
    'createIndex',
    'dropIndex',
    'listCollections',
    'listIndexes',
  ],
};

/** Additional privileges for migrating users and roles. */
const SOURCE_ACCOUNT_COLLECTIONS = ['system.users', 'system.roles'];
const DESTINATION_ACCOUNT_COLLECTIONS = ['system.users'];

/** An action that a user lacks, and the resource. */
export interface MissingPrivilege {
  readonly action: string;
  /** `{ cluster: true }`, or a database and a collection, empty for all, as the server names resources. */
  readonly resource: { readonly cluster: true } | { readonly db: string; readonly collection: string };
}

/** Needed on a sharded source: the cluster's id, its shard keys, its write block, and resharding under way are there. */
const FIND_ON_CONFIG: MissingPrivilege = { action: 'find', resource: { db: 'config', collection: '' } };

/** Needed on a sharded source to end a deadlock of its write block. No built-in role for a source's user has it. */
const KILLOP = onCluster('killop');

/** The same to record the holder of its write block. */
const RECORD_ACTIONS = ['find', 'insert', 'update'];
const RECORD_RESOURCE = { db: BLOCK_RECORD.database, collection: BLOCK_RECORD.name };

/** The part of a migration that decides which privileges it needs. */
interface PrivilegesFor {
  /** Whether the source has a write block. */
  readonly blocks: boolean;
  readonly usersAndRoles: boolean;
  readonly sharded?: boolean;
  /** Whether it ends without a cutover. */
  readonly once?: boolean;
}

/** Returns the actions that a side's user lacks. */
export function missingPrivileges(
  privileges: Privileges,
  side: Side,
  { blocks, usersAndRoles, sharded = false, once = false }: PrivilegesFor,
): MissingPrivilege[] {
  const needs = side === 'source' ? sourceNeeds(blocks, sharded) : DESTINATION_NEEDS;
  return [
    ...needs.cluster.filter((action) => !privileges.hasOnCluster(action)).map(onCluster),
    ...needs.databases.filter((action) => !privileges.hasOnAllDatabases(action)).map(onAllDatabases),
    ...(sharded && !privileges.hasOnServerDatabase('find', 'config') ? [FIND_ON_CONFIG] : []),
    ...(sharded && blocks && !once ? missingForShardedBlock(privileges) : []),
    ...(usersAndRoles ? missingAccountPrivileges(privileges, side) : []),
  ];
}

/** Describes missing privileges by resource: `find, insert on all databases; listDatabases on the cluster`. */
export function describeMissing(missing: readonly MissingPrivilege[]): string {
  const places = Map.groupBy(missing, ({ resource }) => placeOf(resource));
  return [...places].map(([place, those]) => `${those.map(({ action }) => action).join(', ')} on ${place}`).join('; ');
}

/**
 * Returns the mongosh command that grants a user the missing privileges: built-in roles, since further checks read more than a migration
 * needs. A user that has them all, or lacks what none of them has, gets a custom role of its own.
 */
export function grantCommand({ user, db, roles }: Login, side: Side, missing: readonly MissingPrivilege[]): string {
  const text = JSON.stringify;
  const grant = (granted: readonly (string | object)[]) =>
    `db.getSiblingDB(${text(db)}).grantRolesToUser(${text(user)}, ${text(granted)})`;
  const lacking = ENOUGH_ROLES[side].filter((role) => !roles.includes(role));
  const builtIn = lacking.map((role) => ({ role, db: 'admin' }));
  const rest =
    lacking.length > 0 ? missing.filter((one) => one === KILLOP || one.resource === RECORD_RESOURCE) : missing;
  if (rest.length === 0) return grant(builtIn);
  const privileges = rest.map(({ action, resource }) => ({ resource, actions: [action] }));
  const role = `linkspan-${side}-${db}.${user}`;
  const create = `db.getSiblingDB("admin").createRole(${text({ role, privileges, roles: [] })})`;
  return `${create}; ${grant([...builtIn, { role, db: 'admin' }])}`;
}

/** Built-in roles that give a side's user all privileges that the engine may need. */
const ENOUGH_ROLES: Readonly<Record<Side, readonly string[]>> = {
  source: ['backup', 'readAnyDatabase', 'clusterMonitor'],
  destination: ['restore', 'readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor'],
};

function placeOf(resource: MissingPrivilege['resource']): string {
  if ('cluster' in resource) return 'the cluster';
  if (resource.db === '') return 'all databases';
  return resource.collection === '' ? `the database ${resource.db}` : `${resource.db}.${resource.collection}`;
}

function missingForShardedBlock(privileges: Privileges): MissingPrivilege[] {
  return [
    // rule: require-killop
    ...(privileges.hasOnCluster(KILLOP.action) ? [] : [KILLOP]),
    ...RECORD_ACTIONS.filter((action) => !privileges.hasOnCollection(action, BLOCK_RECORD)).map((action) => ({
      action,
      resource: RECORD_RESOURCE,
    })),
  ];
}

function missingAccountPrivileges(privileges: Privileges, side: Side): MissingPrivilege[] {
  const collections = side === 'source' ? SOURCE_ACCOUNT_COLLECTIONS : DESTINATION_ACCOUNT_COLLECTIONS;
  const actions = side === 'source' ? [] : ACCOUNT_ACTIONS;
  return [
    ...collections
      .filter((collection) => !privileges.hasOnServerCollection('find', 'admin', collection))
      .map((collection) => ({ action: 'find', resource: { db: 'admin', collection } })),
    ...actions.filter((action) => !privileges.hasOnAllDatabases(action)).map(onAllDatabases),
  ];
}

function onCluster(action: string): MissingPrivilege {
  return { action, resource: { cluster: true } };
}

function onAllDatabases(action: string): MissingPrivilege {
  return { action, resource: { db: '', collection: '' } };
}
