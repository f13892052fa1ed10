import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Document, type MongoClient, MongoServerError, Timestamp } from 'mongodb';
import type { Claim } from '../../../src/engine/cutover/block-history.ts';
import { reopenAfterFailure, reopenSource } from '../../../src/engine/cutover/open-source.ts';
import { describeHolder, describeReliance, liftBlock } from '../../../src/engine/cutover/source-claim.ts';
import { NotNow } from '../../../src/engine/mongodb/failure-policy.ts';
import type { MigrationLog } from '../../../src/engine/records/migration-log.ts';
import { systemClock, UserError } from '../../../src/platform/index.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const CLAIM: Claim = { id: 'a', migrationId: 'A', term: 1 };
const UNAUTHORIZED = 13;
const WRITE_CONCERN_FAILED = 64;

/** Stands in for a source whose primary answers each command by its name, and refuses to show the notes about its block. */
function standInSource(answers: Record<string, () => Document> = {}) {
  const sent: string[] = [];
  const operationTime = new Timestamp({ t: 1_000, i: 1 });
  const command = async (asked: Document) => {
    const [name = ''] = Object.keys(asked);
    sent.push(name);
    if (name === 'find' && !answers.find) throw new MongoServerError({ message: 'refused', code: UNAUTHORIZED });
    return { ok: 1, electionId: 'first', operationTime, ...answers[name]?.() };
  };
  return { client: { db: () => ({ command }) } as unknown as MongoClient, sent };
}

function contextOf(source: MongoClient, confirm: () => Promise<void>, staysUncommitted = true) {
  const context = unconnectedContext(new AbortController().signal);
  const once = { run: (_: string, act: () => Promise<unknown>) => act(), but: () => once };
  const checkpoint = {
    migrationId: CLAIM.migrationId,
    with: () => ({ staysUncommitted: async () => staysUncommitted }),
  };
  return { ...context, source, retrier: once, fence: { confirm }, checkpoint } as unknown as typeof context;
}

function interruptedLog() {
  const events: string[] = [];
  const cutover = { requestedAtMs: 0, blocking: true, committed: false, claim: CLAIM.id };
  const log = {
    record: { state: 'CUTTING_OVER', term: 1, cutover },
    commitWasSent: false,
    sourceOpenedAfterFailure: async () => void events.push('source opened'),
    sourceOpened: async () => void events.push('source opened'),
  } as unknown as MigrationLog;
  return { log, events };
}

const never = new AbortController().signal;

describe('a source whose user may not read whose its block is (a stand-in, no real server)', () => {
  test('is opened by an engine that fails, unless the destination may have the commit', async () => {
    for (const staysUncommitted of [true, false]) {
      const { client, sent } = standInSource();
      const { log, events } = interruptedLog();
      await reopenAfterFailure(
        contextOf(client, async () => undefined, staysUncommitted),
        log,
        never,
      );
      assert.equal(sent.includes('setUserWriteBlockMode'), staysUncommitted);
      assert.deepEqual(events, staysUncommitted ? ['source opened'] : []);
    }
  });

  test('does not count as open where it could not be opened', async () => {
    const { client } = standInSource({
      setUserWriteBlockMode: () => {
        throw new MongoServerError({ message: 'refused', code: UNAUTHORIZED });
      },
    });
    const { log, events } = interruptedLog();
    await reopenAfterFailure(
      contextOf(client, async () => undefined),
      log,
      never,
    );
    assert.deepEqual(events, []);
  });

  test('makes an engine wait for the destination, and ends one that the migration was taken from', async () => {
    const { client, sent } = standInSource();
    const { log } = interruptedLog();
    const lost = new MongoServerError({ message: 'shuts down', code: 91 });
    const waits = reopenSource(
      contextOf(client, () => Promise.reject(lost)),
      log,
      { claim: CLAIM },
    );
    await assert.rejects(
      waits,
      (error) => error instanceof NotNow && /the destination first has to/.test(error.message),
    );
    const taken = new UserError('TAKEN_OVER', ['A']);
    const ends = reopenSource(
      contextOf(client, () => Promise.reject(taken)),
      log,
      { claim: CLAIM },
    );
    await assert.rejects(ends, taken);
    assert.equal(sent.includes('setUserWriteBlockMode'), false);
  });
});

test('a block is not lifted by notes of a primary that has been replaced (a stand-in, no real server)', async () => {
  const elections = ['first', 'second'];
  const { client, sent } = standInSource({
    hello: () => ({ electionId: elections.shift() }),
    appendOplogNote: () => {
      throw new MongoServerError({ message: 'no majority', code: WRITE_CONCERN_FAILED });
    },
  });
  await assert.rejects(
    liftBlock(client, CLAIM, { uncommitted: true, clock: systemClock }),
    /another primary was elected/,
  );
  assert.equal(sent.includes('setUserWriteBlockMode'), false);
});

test('an operator reads who holds a block, and which migration needs it', () => {
  assert.match(describeHolder(null), /another migration is cutting over/);
  assert.match(describeHolder({ ...CLAIM, step: 'claimed', seconds: 0 }), /migration A is cutting over .* since 1970/);
  assert.equal(describeReliance(null, 'A'), undefined);
  const block = { seconds: 5, setBy: 'A', committedBy: 'A' };
  assert.equal(describeReliance(block, 'A'), undefined);
  assert.match(describeReliance(block, 'B') ?? '', /migration A has cut over from the source/);
});
