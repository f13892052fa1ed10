import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Agent,
  type Cluster,
  clusterNamed,
  clustersOf,
  type DestinationUser,
  findOne,
  findOrganizations,
  type Group,
  groupsOf,
  lastValidationInto,
  linkedAgentsOf,
  type Migration,
  markRedeemed,
  migrationsSince,
  NEW_MIGRATION,
  type Order,
  type Organization,
  openLinkTokensOf,
  type Sealed,
  type Store,
  type StoredLinkToken,
  standingDestinationUsers,
} from '../../src/control/index.ts';

/** A store under test, and a way to reopen its data. */
export interface StoreUnderTest {
  /** Closes the open store and opens the same data again. */
  readonly open: () => Promise<Store>;
}

const ORG = 'a'.repeat(24);
const ORGANIZATION: Organization = {
  id: ORG,
  name: 'organization',
  accessListRequired: true,
  creatorId: null,
  createdAtMs: 1,
  deletedAtMs: null,
};
const GROUP: Group = { id: 'b'.repeat(24), orgId: ORG, name: 'project', createdAtMs: 2, deletedAtMs: null };
const CLUSTER: Cluster = {
  id: 'c'.repeat(24),
  groupId: GROUP.id,
  name: 'destination',
  connectionString: 'sealed' as Sealed,
  makesUsers: true,
  createdAtMs: 3,
  deletedAtMs: null,
};
const TOKEN: StoredLinkToken = {
  id: 'token0000001',
  orgId: ORG,
  secretHash: 'hash',
  accessListIps: ['192.0.2.0/24'],
  createdBy: 'abcdefgh',
  createdAtMs: 4,
  host: null,
  hosts: 1,
  expiresAtMs: null,
  redeemedAtMs: null,
  deletedAtMs: null,
};
const LINK = {
  id: 'd'.repeat(24),
  orgId: ORG,
  tokenId: TOKEN.id,
  setId: TOKEN.id,
  accessListIps: [],
  createdAtMs: 5,
  ended: null,
  approved: true,
};
const AGENT: Agent = {
  id: 'e'.repeat(24),
  linkId: LINK.id,
  orgId: ORG,
  publicKey: 'key',
  host: 'host',
  version: '1.0.0',
  inventory: [{ projectId: 'f'.repeat(24), name: 'source', deployments: [] }],
  createdAtMs: 6,
  lastSequence: -1,
  lastReportAtMs: null,
  heardSinceMs: 6,
  standbys: [{ id: 'f'.repeat(24), record: 'WRITTEN' }],
  maxMigrations: 2,
};
const ORDER: Order = {
  orgId: ORG,
  groupId: GROUP.id,
  agentId: AGENT.id,
  host: 'host',
  sourceGroupId: 'f'.repeat(24),
  sourceClusterName: 'source',
  destinationClusterId: CLUSTER.id,
  username: 'user',
  password: 'sealed' as Sealed,
  ssl: true,
  caCertificatePath: null,
  dropDestination: false,
  reversible: false,
  usersAndRoles: false,
  digestsBy: 'helper',
};
const MIGRATION: Migration = {
  ...ORDER,
  id: '1'.repeat(24),
  state: NEW_MIGRATION,
  progress: null,
  failback: null,
  reportedAtMs: 7,
  takenOver: { atMs: 7, fromHost: 'other', reason: 'SILENT' },
  move: { atMs: 6, toHost: 'host-3', reason: 'REQUESTED' },
  labels: { team: 'payments' },
  note: 'after the audit',
  idempotency: { key: 'job-1', requestHash: 'a'.repeat(64) },
  createdAtMs: 7,
  updatedAtMs: 7,
};

/** The contract of the store's port (src/control/records/store-port.ts), run against an adapter. */
export function testStoreConformance(name: string, create: () => Promise<StoreUnderTest & AsyncDisposable>): void {
  test(`${name}: stored records are read back unchanged, also by another store that opens the same data`, async () => {
    await using under = await create();
    {
      await using store = await under.open();
      await fill(store);
    }
    await using store = await under.open();
    assert.deepEqual(await store.get('groups', GROUP.id), GROUP);
    assert.deepEqual(await clusterNamed(store, GROUP.id, 'destination'), CLUSTER);
    assert.deepEqual(await store.get('linkTokens', TOKEN.id), TOKEN);
    assert.deepEqual(await findOne(store, 'links', { tokenId: TOKEN.id }), LINK);
    assert.deepEqual(await findOne(store, 'agents', { linkId: LINK.id }), AGENT);
    assert.deepEqual(await store.get('migrations', MIGRATION.id), MIGRATION);
    assert.equal(await store.get('migrations', '2'.repeat(24)), undefined);
    assert.equal(await clusterNamed(store, GROUP.id, 'other'), undefined);
  });

  test(`${name}: a write that throws changes nothing, and other writes of the same commit are kept`, async () => {
    await using under = await create();
    await using store = await under.open();
    const insert = (id: string) =>
      store.write(async (transaction) => {
        await transaction.insert('organizations', { ...ORGANIZATION, id });
        if (id === 'second') throw new Error('changed my mind');
      });
    const outcomes = await Promise.allSettled(['first', 'second', 'third'].map(insert));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual((await findOrganizations(store)).map(({ id }) => id).sort(), ['first', 'third']);
  });

  test(`${name}: a write sees earlier writes, and readers see a write only after its commit`, async () => {
    await using under = await create();
    await using store = await under.open();
    await store.write((transaction) => transaction.insert('organizations', ORGANIZATION));
    await Promise.all([
      store.write(async (transaction) => {
        await transaction.insert('groups', GROUP);
        assert.equal(await store.get('groups', GROUP.id), undefined);
      }),
      store.write(async (transaction) => assert.deepEqual(await transaction.get('groups', GROUP.id), GROUP)),
    ]);
    assert.deepEqual(await store.get('groups', GROUP.id), GROUP);
  });

  test(`${name}: an organization is read as it was last committed`, async () => {
    await using under = await create();
    await using store = await under.open();
    const renamed = { ...ORGANIZATION, name: 'another name' };
    assert.equal(await store.get('organizations', ORGANIZATION.id), undefined);
    await store.write(async (transaction) => {
      await transaction.insert('organizations', ORGANIZATION);
      assert.equal(await store.get('organizations', ORGANIZATION.id), undefined);
    });
    assert.deepEqual(await store.get('organizations', ORGANIZATION.id), ORGANIZATION);
    const changed = store.write(async (transaction) => {
      await transaction.update('organizations', renamed);
      throw new Error('changed my mind');
    });
    await assert.rejects(changed, /changed my mind/);
    assert.deepEqual(await store.get('organizations', ORGANIZATION.id), ORGANIZATION);
    await store.write((transaction) => transaction.update('organizations', renamed));
    assert.deepEqual(await store.get('organizations', ORGANIZATION.id), renamed);
  });

  test(`${name}: a duplicate of a unique name is refused, and an update of a missing record fails`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    await assert.rejects(store.write((transaction) => transaction.insert('groups', { ...GROUP, id: '9'.repeat(24) })));
    await assert.rejects(store.write((transaction) => transaction.insert('linkTokens', TOKEN)));
    await assert.rejects(store.write((transaction) => transaction.update('agents', { ...AGENT, id: '9'.repeat(24) })));
  });

  test(`${name}: users on destinations are found until they are dropped or abandoned`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    const wanted: DestinationUser = {
      id: MIGRATION.id,
      purpose: 'migration',
      clusterId: CLUSTER.id,
      password: 'sealed' as Sealed,
      state: 'wanted',
      createdAtMs: 8,
    };
    const other = { ...wanted, id: '4'.repeat(24), purpose: 'validation', createdAtMs: 9 } as const;
    await store.write(async (transaction) => {
      await transaction.insert('destinationUsers', other);
      await transaction.insert('destinationUsers', wanted);
      assert.deepEqual(await standingDestinationUsers(transaction), [wanted, other]);
    });
    const made = { ...wanted, state: 'made' } as const;
    await store.write((transaction) => transaction.update('destinationUsers', made));
    assert.deepEqual(await store.get('destinationUsers', MIGRATION.id), made);
    assert.equal(await store.get('destinationUsers', '2'.repeat(24)), undefined);
    const places = (await store.valuesNotSealedAs('', 99)).map(({ place }) => `${place.kind}.${place.field}`);
    assert.ok(places.includes('destinationUsers.password'), String(places));
    await store.write(async (transaction) => {
      await transaction.update('destinationUsers', { ...made, state: 'dropped' });
      await transaction.update('destinationUsers', { ...other, state: 'left' });
    });
    assert.deepEqual(await standingDestinationUsers(store), []);
  });

  test(`${name}: a condition without a value is refused, and so is a sealed value at an unknown place`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    await assert.rejects(store.find('groups', { orgId: undefined }));
    await assert.rejects(store.write((transaction) => transaction.delete('accounts', { id: undefined })));
    const replace = (kind: string, field: string) => {
      const place = { kind, id: MIGRATION.id, field };
      return store.write((transaction) => transaction.replaceSealed(place, 'new' as Sealed));
    };
    await assert.rejects(replace('migrations', 'host'));
    await replace('migrations', 'password');
    assert.deepEqual(await store.get('migrations', MIGRATION.id), { ...MIGRATION, password: 'new' });
    const values = await store.valuesNotSealedAs('sea', 9);
    assert.deepEqual(values, [{ place: { kind: 'migrations', id: MIGRATION.id, field: 'password' }, value: 'new' }]);
  });

  test(`${name}: a deleted record is in no list and its name is free, but the record is kept`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    const [group, cluster] = [
      { ...GROUP, deletedAtMs: 9 },
      { ...CLUSTER, deletedAtMs: 9 },
    ];
    const [newGroup, newCluster] = [
      { ...GROUP, id: '9'.repeat(24) },
      { ...CLUSTER, id: '9'.repeat(24) },
    ];
    await store.write(async (transaction) => {
      await transaction.update('clusters', cluster);
      await transaction.insert('clusters', newCluster);
      await transaction.update('groups', group);
      await transaction.insert('groups', newGroup);
    });
    assert.deepEqual(await clustersOf(store, GROUP.id), [newCluster]);
    assert.deepEqual(await clusterNamed(store, GROUP.id, CLUSTER.name), newCluster);
    assert.deepEqual(await groupsOf(store, ORG), [newGroup]);
    assert.deepEqual([await store.get('clusters', CLUSTER.id), await store.get('groups', GROUP.id)], [cluster, group]);
  });

  test(`${name}: exactly one of several concurrent redemptions of a token succeeds`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    const attempts = Array.from({ length: 100 }, (_, at) =>
      store.write((transaction) => markRedeemed(transaction, TOKEN.id, at)),
    );
    assert.equal((await Promise.all(attempts)).filter(Boolean).length, 1);
    assert.deepEqual(await openLinkTokensOf(store, ORG), []);
  });

  test(`${name}: a deleted or expired token cannot be redeemed, and one that is about to expire can`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    const redeem = (atMs: number) => store.write((transaction) => markRedeemed(transaction, TOKEN.id, atMs));
    await store.write((transaction) => transaction.update('linkTokens', { ...TOKEN, deletedAtMs: 9 }));
    assert.equal(await redeem(10), false);
    assert.deepEqual(await openLinkTokensOf(store, ORG), []);
    await store.write((transaction) => transaction.update('linkTokens', { ...TOKEN, expiresAtMs: 10 }));
    assert.equal(await redeem(10), false);
    assert.equal(await redeem(9), true);
  });

  test(`${name}: lists contain open, active or pending records in the order of creation`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    const later = { ...MIGRATION, id: '0'.repeat(24), createdAtMs: 8, idempotency: null };
    const finding = { severity: 'ERROR', code: 'DISK_TOO_SMALL', message: 'm', remedy: 'r', namespace: 'a.b' } as const;
    const validation = {
      ...ORDER,
      id: '3'.repeat(24),
      status: 'PENDING',
      errorMessage: null,
      findings: [finding],
      estimate: { collections: 1, documents: 2, bytes: 3, indexes: 4, indexBytes: 5, left: 0 },
      destinationAddress: 'address',
      createdAtMs: 9,
    } as const;
    await store.write(async (transaction) => {
      await transaction.insert('migrations', later);
      await transaction.insert('validations', validation);
    });
    assert.deepEqual(await store.find('migrations', { agentId: AGENT.id, isActive: true }), [MIGRATION, later]);
    assert.deepEqual(await store.find('validations', { agentId: AGENT.id, status: 'PENDING' }), [validation]);
    assert.deepEqual(await lastValidationInto(store, GROUP.id, CLUSTER.name), validation);
    assert.equal(await lastValidationInto(store, GROUP.id, 'other'), undefined);
    assert.deepEqual(await linkedAgentsOf(store, ORG), [AGENT]);
    await store.write((transaction) => transaction.update('links', { ...LINK, approved: false }));
    assert.deepEqual(await linkedAgentsOf(store, ORG), []);
    assert.equal((await store.find('links', { orgId: ORG, ended: null })).length, 1);
    await store.write(async (transaction) => {
      await transaction.update('migrations', { ...MIGRATION, state: { ...NEW_MIGRATION, status: 'COMPLETE' } });
      await transaction.update('validations', { ...validation, status: 'FAILED' });
      await transaction.update('links', { ...LINK, ended: 'deleted' });
    });
    assert.deepEqual(await store.find('migrations', { orgId: ORG, isActive: true }), [later]);
    const ended = { ...MIGRATION, state: { ...NEW_MIGRATION, status: 'COMPLETE', endedAtMs: 100 } } as const;
    await store.write((transaction) => transaction.update('migrations', ended));
    assert.deepEqual(await migrationsSince(store, 100, 5), [later, ended]);
    assert.deepEqual(await migrationsSince(store, 100, 1), [later]);
    assert.deepEqual(await migrationsSince(store, 101, 5), [later]);
    assert.equal(await lastValidationInto(store, GROUP.id, CLUSTER.name), undefined);
    assert.deepEqual(await store.find('validations', { agentId: AGENT.id, status: 'PENDING' }), []);
    assert.deepEqual(await linkedAgentsOf(store, ORG), []);
    assert.deepEqual(await store.find('links', { orgId: ORG, ended: null }), []);
  });
}

async function fill(store: Store): Promise<void> {
  await store.write(async (transaction) => {
    await transaction.insert('organizations', ORGANIZATION);
    await transaction.insert('groups', GROUP);
    await transaction.insert('clusters', CLUSTER);
    await transaction.insert('linkTokens', TOKEN);
    await transaction.insert('links', LINK);
    await transaction.insert('agents', AGENT);
    await transaction.insert('migrations', MIGRATION);
  });
}
