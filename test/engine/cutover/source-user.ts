import type { ClusterAddress } from '../../../src/engine/index.ts';
import type { ReplicaSet } from '../../support/replica-set.ts';

/** The address of a set for a migration whose user has what a source's user needs, with or without the right to read the oplog. */
export async function sourceUser(
  set: ReplicaSet,
  { readsOplog }: { readonly readsOplog: boolean },
): Promise<ClusterAddress> {
  const name = readsOplog ? 'reader' : 'blind';
  const actions = [
    'appendOplogNote',
    'replSetGetConfig',
    'getParameter',
    'listDatabases',
    'inprog',
    'setUserWriteBlockMode',
    'serverStatus',
  ];
  await set.client.db('admin').command({
    createRole: `${name}Role`,
    privileges: [{ resource: { cluster: true }, actions }],
    roles: ['readAnyDatabase', ...(readsOplog ? ['backup'] : [])],
  });
  await set.createUser(name, 'secret', [`${name}Role`]);
  return { uri: set.uriFor(name, 'secret') };
}
