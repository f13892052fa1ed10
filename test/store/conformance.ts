import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  Agent,
  ApiKey,
  Cluster,
  DestinationUser,
  Group,
  Migration,
  Order,
  Organization,
  Sealed,
  ServiceAccount,
  Store,
  StoredLinkToken,
} from '../../src/control/index.ts';
import { NEW_MIGRATION } from '../../src/control/index.ts';

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
  expiresAtMs: null,
  redeemedAtMs: null,
  deletedAtMs: null,
};
const LINK = {
  id: 'd'.repeat(24),
  orgId: ORG,
  tokenId: TOKEN.id,
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
};
const MIGRATION: Migration = {
  ...ORDER,
  id: '1'.repeat(24),
  state: NEW_MIGRATION,
  progress: null,
  failback: null,
  reportedAtMs: 7,
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
    assert.deepEqual(await store.group(GROUP.id), GROUP);
    assert.deepEqual(await store.clusterNamed(GROUP.id, 'destination'), CLUSTER);
    assert.deepEqual(await store.linkToken(TOKEN.id), TOKEN);
    assert.deepEqual(await store.linkOfToken(TOKEN.id), LINK);
    assert.deepEqual(await store.agentOfLink(LINK.id), AGENT);
    assert.deepEqual(await store.migration(MIGRATION.id), MIGRATION);
    assert.equal(await store.migration('2'.repeat(24)), undefined);
    assert.equal(await store.clusterNamed(GROUP.id, 'other'), undefined);
  });

  test(`${name}: a write that throws changes nothing, and other writes of the same commit are kept`, async () => {
    await using under = await create();
    await using store = await under.open();
    const insert = (id: string) =>
      store.write(async (transaction) => {
        await transaction.insertOrganization({ ...ORGANIZATION, id });
        if (id === 'second') throw new Error('changed my mind');
      });
    const outcomes = await Promise.allSettled(['first', 'second', 'third'].map(insert));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual((await store.organizations()).map(({ id }) => id).sort(), ['first', 'third']);
  });

  test(`${name}: a write sees earlier writes, and readers see a write only after its commit`, async () => {
    await using under = await create();
    await using store = await under.open();
    await store.write((transaction) => transaction.insertOrganization(ORGANIZATION));
    await Promise.all([
      store.write(async (transaction) => {
        await transaction.insertGroup(GROUP);
        assert.equal(await store.group(GROUP.id), undefined);
      }),
      store.write(async (transaction) => assert.deepEqual(await transaction.group(GROUP.id), GROUP)),
    ]);
    assert.deepEqual(await store.group(GROUP.id), GROUP);
  });

  test(`${name}: an organization is read as it was last committed`, async () => {
    await using under = await create();
    await using store = await under.open();
    const renamed = { ...ORGANIZATION, name: 'another name' };
    assert.equal(await store.organization(ORGANIZATION.id), undefined);
    await store.write(async (transaction) => {
      await transaction.insertOrganization(ORGANIZATION);
      assert.equal(await store.organization(ORGANIZATION.id), undefined);
    });
    assert.deepEqual(await store.organization(ORGANIZATION.id), ORGANIZATION);
    const changed = store.write(async (transaction) => {
      await transaction.updateOrganization(renamed);
      throw new Error('changed my mind');
    });
    await assert.rejects(changed, /changed my mind/);
    assert.deepEqual(await store.organization(ORGANIZATION.id), ORGANIZATION);
    await store.write((transaction) => transaction.updateOrganization(renamed));
    assert.deepEqual(await store.organization(ORGANIZATION.id), renamed);
  });

  test(`${name}: a duplicate of a unique name is refused, and an update of a missing record fails`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    await assert.rejects(store.write((transaction) => transaction.insertGroup({ ...GROUP, id: '9'.repeat(24) })));
    await assert.rejects(store.write((transaction) => transaction.insertLinkToken(TOKEN)));
    await assert.rejects(store.write((transaction) => transaction.updateAgent({ ...AGENT, id: '9'.repeat(24) })));
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
      await transaction.insertDestinationUser(other);
      await transaction.insertDestinationUser(wanted);
      assert.deepEqual(await transaction.standingDestinationUsers(), [wanted, other]);
    });
    const made = { ...wanted, state: 'made' } as const;
    await store.write((transaction) => transaction.updateDestinationUser(made));
    assert.deepEqual(await store.destinationUser(MIGRATION.id), made);
    assert.equal(await store.destinationUser('2'.repeat(24)), undefined);
    const places = (await store.valuesNotSealedAs('', 99)).map(({ place }) => `${place.table}.${place.field}`);
    assert.ok(places.includes('destination_users.password'), String(places));
    await store.write(async (transaction) => {
      await transaction.updateDestinationUser({ ...made, state: 'dropped' });
      await transaction.updateDestinationUser({ ...other, state: 'left' });
    });
    assert.deepEqual(await store.standingDestinationUsers(), []);
  });

  test(`${name}: service accounts are found by their client id, and revoked tokens are kept until they would have expired`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    const account: ServiceAccount = {
      id: '7'.repeat(24),
      orgId: ORG,
      clientId: 'mdb_sa_id_1',
      name: 'account',
      description: 'for a test',
      roles: ['ORG_OWNER'],
      groupRoles: [{ groupId: GROUP.id, roleName: 'GROUP_OWNER' }],
      secrets: [{ id: '7'.repeat(24), hash: 'hash', end: 'wxyz', createdAtMs: 8, expiresAtMs: null }],
      accessList: [{ address: '192.0.2.1', createdAtMs: 8 }],
      createdAtMs: 8,
    };
    const revoked = ['first', 'second'].map((id, at) => ({ id, expiresAtMs: 100 + at, createdAtMs: 9 }));
    await store.write(async (transaction) => {
      await transaction.insertServiceAccount(account);
      for (const token of revoked) await transaction.insertRevokedAccessToken(token);
    });
    assert.deepEqual(await store.serviceAccount('mdb_sa_id_1'), account);
    assert.equal(await store.serviceAccount('mdb_sa_id_2'), undefined);
    await store.write((transaction) => transaction.deleteRevokedAccessTokens(100));
    assert.equal(await store.revokedAccessToken('first'), undefined);
    assert.deepEqual(await store.revokedAccessToken('second'), revoked[1]);
    await assert.rejects(
      store.write((transaction) => transaction.insertServiceAccount({ ...account, id: '8'.repeat(24) })),
    );
  });

  test(`${name}: an API key is valid from the commit that creates it, and not before`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    const apiKey: ApiKey = {
      id: '6'.repeat(24),
      orgId: ORG,
      publicKey: 'abcdefgh',
      description: 'key',
      roles: ['ORG_OWNER'],
      groupRoles: [],
      verifiers: 'sealed' as Sealed,
      privateKeyEnd: null,
      accessList: [],
      createdAtMs: 8,
    };
    assert.equal(await store.apiKey('abcdefgh'), undefined);
    await store.write(async (transaction) => {
      await transaction.insertApiKey(apiKey);
      assert.equal(await store.apiKey('abcdefgh'), undefined);
    });
    assert.deepEqual(await store.apiKey('abcdefgh'), apiKey);
    const other = { ...apiKey, id: '5'.repeat(24), publicKey: 'other' };
    const undone = store.write(async (transaction) => {
      await transaction.insertApiKey(other);
      throw new Error('changed my mind');
    });
    await assert.rejects(undone);
    assert.equal(await store.apiKey('other'), undefined);
    await store.write((transaction) => transaction.insertApiKey(other));
    assert.deepEqual(await store.apiKey('other'), other);
    await store.write((transaction) => transaction.updateApiKey({ ...other, roles: ['ORG_MEMBER'] }));
    assert.deepEqual((await store.apiKey('other'))?.roles, ['ORG_MEMBER']);
    await store.write((transaction) => transaction.deleteApiKey(other.id));
    assert.equal(await store.apiKey('other'), undefined);
    assert.deepEqual(await store.apiKeysOf(ORG), [apiKey]);
    const demoted: ApiKey = { ...apiKey, roles: ['ORG_MEMBER'] };
    const refused = store.write(async (transaction) => {
      await transaction.deleteApiKey(apiKey.id);
      throw new Error('refused');
    });
    const demotion = store.write((transaction) => transaction.updateApiKey(demoted));
    const seen = store.write((transaction) => transaction.apiKey('abcdefgh'));
    await assert.rejects(refused, /refused/);
    assert.deepEqual(await seen, demoted, 'as the transaction before it left it, in the same commit');
    await demotion;
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
      await transaction.updateCluster(cluster);
      await transaction.insertCluster(newCluster);
      await transaction.updateGroup(group);
      await transaction.insertGroup(newGroup);
    });
    assert.deepEqual(await store.clustersOf(GROUP.id), [newCluster]);
    assert.deepEqual(await store.clusterNamed(GROUP.id, CLUSTER.name), newCluster);
    assert.deepEqual(await store.groupsOf(ORG), [newGroup]);
    assert.deepEqual([await store.cluster(CLUSTER.id), await store.group(GROUP.id)], [cluster, group]);
  });

  test(`${name}: exactly one of several concurrent redemptions of a token succeeds`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    const attempts = Array.from({ length: 100 }, (_, at) =>
      store.write((transaction) => transaction.redeemLinkToken(TOKEN.id, at)),
    );
    assert.equal((await Promise.all(attempts)).filter(Boolean).length, 1);
    assert.deepEqual(await store.openLinkTokensOf(ORG), []);
  });

  test(`${name}: a deleted or expired token cannot be redeemed, and one that is about to expire can`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    const redeem = (atMs: number) => store.write((transaction) => transaction.redeemLinkToken(TOKEN.id, atMs));
    await store.write((transaction) => transaction.updateLinkToken({ ...TOKEN, deletedAtMs: 9 }));
    assert.equal(await redeem(10), false);
    assert.deepEqual(await store.openLinkTokensOf(ORG), []);
    await store.write((transaction) => transaction.updateLinkToken({ ...TOKEN, expiresAtMs: 10 }));
    assert.equal(await redeem(10), false);
    assert.equal(await redeem(9), true);
  });

  test(`${name}: lists contain open, active or pending records in the order of creation`, async () => {
    await using under = await create();
    await using store = await under.open();
    await fill(store);
    const later = { ...MIGRATION, id: '0'.repeat(24), createdAtMs: 8 };
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
      await transaction.insertMigration(later);
      await transaction.insertValidation(validation);
    });
    assert.deepEqual(await store.activeMigrationsOfAgent(AGENT.id), [MIGRATION, later]);
    assert.deepEqual(await store.pendingValidationsOf(AGENT.id), [validation]);
    assert.deepEqual(await store.lastValidationInto(GROUP.id, CLUSTER.name), validation);
    assert.equal(await store.lastValidationInto(GROUP.id, 'other'), undefined);
    assert.deepEqual(await store.linkedAgentsOf(ORG), [AGENT]);
    await store.write((transaction) => transaction.updateLink({ ...LINK, approved: false }));
    assert.deepEqual(await store.linkedAgentsOf(ORG), []);
    assert.equal((await store.openLinksOf(ORG)).length, 1);
    await store.write(async (transaction) => {
      await transaction.updateMigration({ ...MIGRATION, state: { ...NEW_MIGRATION, status: 'COMPLETE' } });
      await transaction.updateValidation({ ...validation, status: 'FAILED' });
      await transaction.updateLink({ ...LINK, ended: 'deleted' });
    });
    assert.deepEqual(await store.activeMigrationsOfOrganization(ORG), [later]);
    const ended = { ...MIGRATION, state: { ...NEW_MIGRATION, status: 'COMPLETE', endedAtMs: 100 } } as const;
    await store.write((transaction) => transaction.updateMigration(ended));
    assert.deepEqual(await store.migrationsSince(100, 5), [later, ended]);
    assert.deepEqual(await store.migrationsSince(100, 1), [later]);
    assert.deepEqual(await store.migrationsSince(101, 5), [later]);
    assert.equal(await store.lastValidationInto(GROUP.id, CLUSTER.name), undefined);
    assert.deepEqual(await store.pendingValidationsOf(AGENT.id), []);
    assert.deepEqual(await store.linkedAgentsOf(ORG), []);
    assert.deepEqual(await store.openLinksOf(ORG), []);
  });
}

async function fill(store: Store): Promise<void> {
  await store.write(async (transaction) => {
    await transaction.insertOrganization(ORGANIZATION);
    await transaction.insertGroup(GROUP);
    await transaction.insertCluster(CLUSTER);
    await transaction.insertLinkToken(TOKEN);
    await transaction.insertLink(LINK);
    await transaction.insertAgent(AGENT);
    await transaction.insertMigration(MIGRATION);
  });
}
