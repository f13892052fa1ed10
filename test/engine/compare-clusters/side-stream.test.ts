import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Document } from 'mongodb';
import { sideStream } from '../../../src/engine/compare-clusters/side-stream.ts';
import { isBefore, timeOfToken } from '../../../src/engine/mongodb/cluster-time.ts';
import { Retrier } from '../../../src/engine/mongodb/retry.ts';
import { silentLogger, systemClock } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';

checkForLeaks();

let set: ReplicaSet;
before(async () => {
  set = await startReplicaSet();
});
after(() => set[Symbol.asyncDispose]());

const opened = () =>
  sideStream(
    {
      side: 'source',
      client: set.client,
      showsAll: true,
      retrier: new Retrier(systemClock, silentLogger, new AbortController().signal),
    },
    undefined,
  );

for (const [what, command] of [
  ['a change', { insert: 'c', documents: [{}], writeConcern: { w: 'majority' } }],
  ['an operation without an event', { appendOplogNote: 1, data: {}, writeConcern: { w: 'majority' } }],
] as const satisfies readonly (readonly [string, Document])[]) {
  test(`${what} at the very time of a new stream's token counts as shown only after the stream has passed it`, async () => {
    const database = set.client.db('appendOplogNote' in command ? 'admin' : 'shop');
    // A server numbers its operations within each second: the next one misses the token's time when a second has ended.
    for (let attempt = 1; attempt <= 20; attempt += 1) {
      await using stream = opened();
      const { token, shownTo } = await stream.next(0);
      const { operationTime } = await database.command(command);
      if (!operationTime.equals(timeOfToken(token))) continue;
      assert.ok(isBefore(shownTo, operationTime), 'shown before it happened');
      let events = 0;
      for (let shown = shownTo; isBefore(shown, operationTime); ) {
        const reply = await stream.next(100);
        events += reply.events.length;
        shown = reply.shownTo;
        if (events > 0) break;
      }
      assert.equal(events, 'insert' in command ? 1 : 0);
      return;
    }
    assert.fail('No operation had the time of a token');
  });
}
