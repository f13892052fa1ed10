import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document, MongoClient } from 'mongodb';
import { bypassingUsers } from '../../../src/engine/cutover/bypassing-users.ts';

function clientWith(accounts: Readonly<Record<string, readonly Document[]>>): MongoClient {
  const collection = (name: string) => ({ find: () => ({ toArray: async () => accounts[name] ?? [] }) });
  return { db: () => ({ collection }) } as unknown as MongoClient;
}

test('no one is warned of users who bypass a write block where none can (accounts of no real server)', async () => {
  const reader = { user: 'reader', db: 'shop', roles: [{ role: 'read', db: 'shop' }] };
  assert.equal(await bypassingUsers(clientWith({ 'system.users': [reader] })), undefined);
  const own = { role: 'own', db: 'admin', roles: [], privileges: [{ actions: ['bypassWriteBlockingMode'] }] };
  // Comes before the role that it inherits from.
  const heirs = { role: 'heirs', db: 'shop', roles: [{ role: 'own', db: 'admin' }], privileges: [] };
  const owner = { user: 'owner', db: 'shop', roles: [{ role: 'own', db: 'admin' }] };
  const heir = { user: 'heir', db: 'shop', roles: [{ role: 'heirs', db: 'shop' }] };
  const client = clientWith({ 'system.users': [reader, owner, heir], 'system.roles': [heirs, own] });
  assert.equal(await bypassingUsers(client), 'shop.owner, shop.heir');
});
