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
  const roles = [{ role: 'own', db: 'admin', roles: [], privileges: [{ actions: ['bypassWriteBlockingMode'] }] }];
  const owner = { user: 'owner', db: 'shop', roles: [{ role: 'own', db: 'admin' }] };
  const client = clientWith({ 'system.users': [reader, owner], 'system.roles': roles });
  assert.equal(await bypassingUsers(client), 'shop.owner');
});
