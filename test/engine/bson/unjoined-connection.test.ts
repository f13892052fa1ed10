import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect as dial } from 'node:net';
import { describe, test } from 'node:test';
import { BSON, type Document, MongoNetworkError } from 'mongodb';
import { DocumentBatch } from '../../../src/engine/bson/document-batch.ts';
import { documentSequence } from '../../../src/engine/bson/document-sequence.ts';
import { document, element, int32 } from '../../../src/engine/bson/raw-document.ts';
import { UnjoinedConnection } from '../../../src/engine/bson/unjoined-connection.ts';
import { clientOf } from '../../../src/engine/mongodb/connect.ts';
import { readAll } from '../../../src/engine/mongodb/raw-cursor.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { soonGone } from '../silent-server.ts';

checkForLeaks();

/** The largest document that a server stores. */
const LARGEST_BYTES = 16 * 1024 * 1024;

describe('documents are sent from where they are', async () => {
  for (const compressors of [undefined, 'zlib']) {
    test(`and arrive as they are, ${compressors ?? 'without compression'}`, async () => {
      await using set = await startReplicaSet();
      await using client = clientOf({ uri: withOptions(set, { compressors }) }, 'destination');
      const small = Array.from({ length: 5_000 }, (_, n) => document(element(0x10, '_id', int32(n))));
      const documents = [...small, filled(5_000, LARGEST_BYTES), filled(5_001, 1_000_000)];
      // One of several documents that lie in one buffer, as in a batch that was cut.
      const batch = DocumentBatch.of([filled(-1, 100), ...documents, filled(-2, 100)]).slice(1, documents.length + 1);
      const sent = { insert: 'c', documents: documentSequence('documents', batch) };
      assert.equal((await client.db('d').command(sent)).n, documents.length);
      const stored = await readAll(set.client, 'd', { find: 'c', sort: { _id: 1 } });
      assert.ok(Buffer.concat(stored).equals(Buffer.concat(documents)));

      const statement = (n: number) => Buffer.from(BSON.serialize({ q: { _id: n }, u: { $set: { n } } }));
      const updates = { update: 'c', updates: documentSequence('updates', [statement(7), statement(8)]) };
      assert.equal((await client.db('d').command(updates)).nModified, 2);
      const none: Document = { insert: 'c', documents: documentSequence('documents', DocumentBatch.EMPTY) };
      await assert.rejects(client.db('d').command(none), { code: 16 }, 'the server says that there are none');
    });
  }

  test('and a connection that is closed in the middle of them ends the command, after which they are free', async () => {
    await using set = await startReplicaSet({ proxied: true });
    for (const close of ['by the server', 'because the server is silent'] as const) {
      const client = clientOf(soonGone(set), 'destination');
      await client.db('d').command({ ping: 1 });
      const [proxy] = set.proxies;
      proxy?.set({ blackHole: true });
      const batch = DocumentBatch.of([filled(1, LARGEST_BYTES), filled(2, LARGEST_BYTES)]).copy();
      const sending = client.db('d').command({ insert: 'c', documents: documentSequence('documents', batch) });
      const failed = assert.rejects(sending, MongoNetworkError, close);
      await eventually(isSending, { what: 'the message to be on its way' });
      if (close === 'by the server') proxy?.cut();
      await failed;
      batch.free();
      proxy?.restore();
      proxy?.set({});
      await client.close();
      assert.equal(
        (await set.client.db('d').collection('c').countDocuments()) % 2,
        0,
        'none, or all of a whole message',
      );
    }
  });
});

for (const [when, bytes] of [
  ['before it is sent', 100],
  ['while it is sent', LARGEST_BYTES],
] as const) {
  const documents = documentSequence('documents', DocumentBatch.of([filled(1, bytes)]));
  for (const [what, message] of [
    ['a command', { toBin: () => [Buffer.alloc(bytes)] }],
    ['a command with documents', { command: { documents }, toBin: () => [Buffer.alloc(16)] }],
  ] as const)
    test(`${what} whose connection is closed ${when} ends with an error`, async () => {
      await using resources = new AsyncDisposableStack();
      const server = resources.use(createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1'));
      await once(server, 'listening');
      const socket = dial(server.address() as { readonly port: number });
      const [[accepted]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
      resources.defer(() => accepted.destroy());
      const connection = new UnjoinedConnection(socket, { id: 1, hostAddress: 'server' });
      let failure: unknown;
      // When a server ends, several sockets close at once. What reacts to the first one sends by the next one, which has not told yet.
      if (when === 'before it is sent') socket.destroy();
      connection.writeCommand(message, { agreedCompressor: 'none' }).catch((error: unknown) => {
        failure = error;
      });
      if (when === 'while it is sent') await eventually(isSending, { what: 'the message to be on its way' });
      socket.destroy();
      await eventually(() => failure instanceof MongoNetworkError, { what: 'the error' });
    });
}

/** The system has taken a part of a message and not yet the rest. */
function isSending(): boolean {
  return process.getActiveResourcesInfo().includes('SimpleWriteWrap');
}

function filled(id: number, bytes: number): Buffer {
  const rest = bytes - document(element(0x10, '_id', int32(id)), element(0x05, 'b', Buffer.alloc(5))).length;
  const binary = Buffer.concat([int32(rest), Buffer.from([0]), Buffer.alloc(rest, id)]);
  return document(element(0x10, '_id', int32(id)), element(0x05, 'b', binary));
}

function withOptions({ uri }: ReplicaSet, options: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined) as [string, string][];
  return given.reduce((all, [name, value]) => `${all}&${name}=${value}`, uri);
}
