import { MAJORITY } from './catalog.ts';
import { createOnOwners, listDatabases, listOnOwner, onPrimaryShard, renameCollection } from './catalog-commands.ts';
import type { Handler } from './context.ts';
import { assemble, decode, encode } from './elements.ts';
import { sendNumbered } from './numbered-writes.ts';
import { currentOp, killOp } from './operations.ts';
import { Refusal } from './refusal.ts';
import { count, distinct, getMore, killCursors, readOrWrite } from './routed.ts';
import {
  enableSharding,
  listShards,
  movePrimary,
  moveRange,
  onConfigServer,
  refineShardKey,
  reshardCollection,
  shardCollection,
  splitChunk,
} from './sharding-commands.ts';
import { collStats, dbStats, explain, onAllShards, planCacheListFilters } from './statistics-commands.ts';
import { endTransaction } from './transactions.ts';

/** Commands that the config server answers with the client's own rights: the log-in, users and roles, and what is told of a server. */
const OF_USER =
  'ping buildInfo buildinfo serverStatus hostInfo getLog whatsmyuri connectionStatus getCmdLineOpts saslStart saslContinue logout authenticate usersInfo rolesInfo createUser updateUser dropUser dropAllUsersFromDatabase grantRolesToUser revokeRolesFromUser createRole updateRole dropRole grantPrivilegesToRole revokePrivilegesFromRole grantRolesToRole revokeRolesFromRole setFeatureCompatibilityVersion listCommands features';

/** Sessions end by themselves on the servers. */
const WITHOUT_EFFECT =
  'endSessions killSessions refreshSessions killAllSessions killAllSessionsByPattern flushRouterConfig';

const hello: Handler = async (request, { connections }) => {
  const asked = request.get('saslSupportedMechs');
  const command = encode({ hello: 1, saslSupportedMechs: asked, $db: 'admin' });
  const { saslSupportedMechs } = asked === undefined ? {} : decode(await connections.asUser(command));
  return {
    helloOk: true,
    isWritablePrimary: true,
    ismaster: true,
    msg: 'isdbgrid',
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    connectionId: 1,
    minWireVersion: 0,
    maxWireVersion: 17,
    ...(saslSupportedMechs ? { saslSupportedMechs } : {}),
    ok: 1,
  };
};

const asUser: Handler = async (request, { connections }) => {
  const body = assemble([request.as(request.name), ...request.rest()]);
  const reply = await connections.asUser(body, request.sequences);
  if (request.name === 'saslContinue' && decode(reply).done) await connections.noteUser();
  return reply;
};

const getParameter: Handler = async (request, { connections }) => {
  if (request.has('featureCompatibilityVersion')) throw new Refusal(72, 'InvalidOptions', 'no option found to get');
  return await connections.asUser(assemble([request.as(request.name), ...request.rest()]));
};

const config = (command: string) => onConfigServer(command, { writeConcern: MAJORITY });

const HANDLERS: Readonly<Record<string, Handler>> = {
  ...all(OF_USER, asUser),
  ...all(WITHOUT_EFFECT, async () => ({ ok: 1 })),
  ...all('hello ismaster isMaster', hello),
  ...all('find aggregate insert update delete', readOrWrite),
  ...all('findAndModify findandmodify', sendNumbered),
  ...all('commitTransaction abortTransaction', endTransaction),
  ...all('listCollections listIndexes', listOnOwner),
  ...all('create createIndexes', createOnOwners),
  ...all('dropIndexes deleteIndexes', onPrimaryShard('_shardsvrDropIndexes')),
  ...all('appendOplogNote configureFailPoint', onAllShards),
  ...all('moveChunk moveRange', moveRange),
  count,
  distinct,
  getMore,
  killCursors,
  listDatabases,
  renameCollection,
  drop: onPrimaryShard('_shardsvrDropCollection'),
  collMod: onPrimaryShard('_shardsvrCollMod'),
  dropDatabase: onPrimaryShard('_shardsvrDropDatabase'),
  collStats,
  currentOp,
  dbStats,
  explain,
  killOp,
  getParameter,
  enableSharding,
  shardCollection,
  split: splitChunk,
  movePrimary,
  refineCollectionShardKey: refineShardKey,
  reshardCollection,
  listShards,
  planCacheListFilters,
  isdbgrid: async () => ({ isdbgrid: 1, ok: 1 }),
  setUserWriteBlockMode: config('_configsvrSetUserWriteBlockMode'),
  addShard: config('_configsvrAddShard'),
  removeShard: config('_configsvrRemoveShard'),
  addShardToZone: config('_configsvrAddShardToZone'),
  removeShardFromZone: config('_configsvrRemoveShardFromZone'),
  updateZoneKeyRange: config('_configsvrUpdateZoneKeyRange'),
  balancerStart: onConfigServer('_configsvrBalancerStart'),
  balancerStop: onConfigServer('_configsvrBalancerStop'),
  balancerStatus: onConfigServer('_configsvrBalancerStatus'),
};

/** Commands that need no log-in. */
const BEFORE_LOGIN = new Set(`${OF_USER} ${WITHOUT_EFFECT} hello ismaster isMaster`.split(' '));

/**
 * Returns the handler of a command.
 * @throws Refusal with CommandNotFound
 */
export function handlerOf(name: string): Handler {
  const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined;
  if (!handler) throw new Refusal(59, 'CommandNotFound', `no such command: '${name}'`);
  return handler;
}

export function needsLogin(name: string): boolean {
  return !BEFORE_LOGIN.has(name);
}

function all(names: string, handler: Handler): Record<string, Handler> {
  return Object.fromEntries(names.split(' ').map((name) => [name, handler]));
}
