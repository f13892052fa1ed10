import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { type MongoClient, Timestamp } from 'mongodb';
import { HistoryWentBack, SeenHistory } from '../../../src/engine/mongodb/seen-history.ts';

const at = (t: number) => new Timestamp({ t, i: 1 });

/** A client whose primary has the oplog entries of some seconds. */
class OplogClient extends EventEmitter {
  entries: readonly number[] = [];

  db() {
    return {
      command: async ({ filter }: { filter?: { ts: Timestamp } }) => {
        const found = this.entries.filter((t) => filter === undefined || filter.ts.equals(at(t)));
        return { cursor: { firstBatch: found.slice(0, 1).map((t) => ({ ts: at(t) })) } };
      },
    };
  }

  elect(processId: string): void {
    const newDescription = { type: 'RSPrimary', address: 'a:1', topologyVersion: { processId } };
    this.emit('serverDescriptionChanged', { newDescription });
  }
}

test('a checkpoint keeps the time that a new primary has yet to show', async () => {
  const client = new OplogClient();
  const history = new SeenHistory(client as unknown as MongoClient);
  client.elect('one');
  history.note(at(10));
  assert.deepEqual(history.record.seenTo, at(10));
  client.elect('two');
  history.note(at(20));
  assert.deepEqual(history.record.seenTo, at(10));
  client.entries = [5, 10, 20];
  await history.confirm();
  assert.deepEqual(history.record.seenTo, at(20));
});

test('an answer of a primary that was replaced meanwhile is read again, unless that one lacks what was seen', async () => {
  const client = new OplogClient();
  const history = new SeenHistory(client as unknown as MongoClient);
  client.elect('one');
  history.note(at(10));
  client.entries = [5, 10];
  let reads = 0;
  const read = async () => {
    reads += 1;
    if (reads === 1) client.elect('two');
    return reads;
  };
  assert.equal(await history.whileConfirmed(read), 2);
  client.entries = [5, 20];
  client.elect('restored');
  await assert.rejects(history.whileConfirmed(read), HistoryWentBack);
  assert.equal(reads, 2);
});
