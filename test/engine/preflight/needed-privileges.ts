import type { ReplicaSet } from '../../support/replica-set.ts';

/** What the engine needs, as docs/03-agent.md says: written down once more, so that a need that vanishes from the code is missed. */
export const NEEDED_ON_SOURCE = {
  cluster: ['appendOplogNote', 'replSetGetConfig', 'getParameter', 'listDatabases', 'inprog', 'setUserWriteBlockMode'],
  databases: ['find', 'changeStream', 'listCollections', 'listIndexes', 'collStats'],
};
export const NEEDED_ON_DESTINATION = {
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

/** Makes a user who may do all that is needed but this. */
export async function userWithout(set: ReplicaSet, action: string, all: typeof NEEDED_ON_SOURCE): Promise<void> {
  const but = (actions: readonly string[]) => actions.filter((one) => one !== action);
  const role = `role-without-${action}`;
  await set.client.db('admin').command({
    createRole: role,
    privileges: [
      { resource: { cluster: true }, actions: but(all.cluster) },
      { resource: { db: '', collection: '' }, actions: but(all.databases) },
    ],
    roles: [],
  });
  await set.createUser(`without-${action}`, 'secret', [role]);
}
