import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ApiKey,
  accountNamed,
  accountsOf,
  type Organization,
  type Sealed,
  type ServiceAccount,
} from '../../src/control/index.ts';
import type { StoreUnderTest } from './conformance.ts';

const ORG = 'a'.repeat(24);
const ORGANIZATION: Organization = {
  id: ORG,
  name: 'organization',
  accessListRequired: true,
  creatorId: null,
  createdAtMs: 1,
  deletedAtMs: null,
};

/** The part of the contract of the store's port that is about accounts and access tokens, run against an adapter. */
export function testAccountConformance(name: string, create: () => Promise<StoreUnderTest & AsyncDisposable>): void {
  test(`${name}: service accounts are found by their client id, and revoked tokens are kept until they would have expired`, async () => {
    await using under = await create();
    await using store = await under.open();
    await store.write((transaction) => transaction.insert('organizations', ORGANIZATION));
    const account: ServiceAccount = {
      kind: 'SERVICE_ACCOUNT',
      id: '7'.repeat(24),
      orgId: ORG,
      name: 'mdb_sa_id_1',
      title: 'account',
      verifiers: null,
      privateKeyEnd: null,
      description: 'for a test',
      roles: ['ORG_OWNER'],
      groupRoles: [{ groupId: 'b'.repeat(24), roleName: 'GROUP_OWNER' }],
      secrets: [{ id: '7'.repeat(24), hash: 'hash', end: 'wxyz', createdAtMs: 8, expiresAtMs: null }],
      accessList: [{ address: '192.0.2.1', createdAtMs: 8 }],
      createdAtMs: 8,
    };
    const revoked = ['first', 'second'].map((id, at) => ({ id, expiresAtMs: 100 + at, createdAtMs: 9 }));
    await store.write(async (transaction) => {
      await transaction.insert('accounts', account);
      for (const token of revoked) await transaction.insert('revokedAccessTokens', token);
    });
    assert.deepEqual(await accountNamed(store, 'SERVICE_ACCOUNT', 'mdb_sa_id_1'), account);
    assert.equal(await accountNamed(store, 'SERVICE_ACCOUNT', 'mdb_sa_id_2'), undefined);
    await store.write((transaction) => transaction.delete('revokedAccessTokens', { expiresAtMs: { lte: 100 } }));
    assert.equal(await store.get('revokedAccessTokens', 'first'), undefined);
    assert.deepEqual(await store.get('revokedAccessTokens', 'second'), revoked[1]);
    await assert.rejects(
      store.write((transaction) => transaction.insert('accounts', { ...account, id: '8'.repeat(24) })),
    );
  });

  test(`${name}: an API key is valid from the commit that creates it, and not before`, async () => {
    await using under = await create();
    await using store = await under.open();
    await store.write((transaction) => transaction.insert('organizations', ORGANIZATION));
    const apiKey: ApiKey = {
      kind: 'API_KEY',
      id: '6'.repeat(24),
      orgId: ORG,
      name: 'abcdefgh',
      title: null,
      secrets: null,
      description: 'key',
      roles: ['ORG_OWNER'],
      groupRoles: [],
      verifiers: 'sealed' as Sealed,
      privateKeyEnd: null,
      accessList: [],
      createdAtMs: 8,
    };
    assert.equal(await accountNamed(store, 'API_KEY', 'abcdefgh'), undefined);
    await store.write(async (transaction) => {
      await transaction.insert('accounts', apiKey);
      assert.equal(await accountNamed(store, 'API_KEY', 'abcdefgh'), undefined);
    });
    assert.deepEqual(await accountNamed(store, 'API_KEY', 'abcdefgh'), apiKey);
    const other = { ...apiKey, id: '5'.repeat(24), name: 'other' };
    const undone = store.write(async (transaction) => {
      await transaction.insert('accounts', other);
      throw new Error('changed my mind');
    });
    await assert.rejects(undone);
    assert.equal(await accountNamed(store, 'API_KEY', 'other'), undefined);
    await store.write((transaction) => transaction.insert('accounts', other));
    assert.deepEqual(await accountNamed(store, 'API_KEY', 'other'), other);
    await store.write((transaction) => transaction.update('accounts', { ...other, roles: ['ORG_MEMBER'] }));
    assert.deepEqual((await accountNamed(store, 'API_KEY', 'other'))?.roles, ['ORG_MEMBER']);
    await store.write((transaction) => transaction.delete('accounts', { id: other.id }));
    assert.equal(await accountNamed(store, 'API_KEY', 'other'), undefined);
    assert.deepEqual(await accountsOf(store, ORG, 'API_KEY'), [apiKey]);
    const demoted: ApiKey = { ...apiKey, roles: ['ORG_MEMBER'] };
    const refused = store.write(async (transaction) => {
      await transaction.delete('accounts', { id: apiKey.id });
      throw new Error('refused');
    });
    const demotion = store.write((transaction) => transaction.update('accounts', demoted));
    const seen = store.write((transaction) => accountNamed(transaction, 'API_KEY', 'abcdefgh'));
    await assert.rejects(refused, /refused/);
    assert.deepEqual(await seen, demoted, 'as the transaction before it left it, in the same commit');
    await demotion;
  });
}
