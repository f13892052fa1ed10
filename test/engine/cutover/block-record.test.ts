import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Document, type MongoClient, MongoServerError, Timestamp } from 'mongodb';
import type { Claim } from '../../../src/engine/cutover/block-history.ts';
import { confirmBlockUnused } from '../../../src/engine/cutover/block-of-destination.ts';
import { readBlockRecord, recordStep } from '../../../src/engine/cutover/block-record.ts';
import { settleOpenBlock } from '../../../src/engine/cutover/open-source.ts';
import { blockSource } from '../../../src/engine/cutover/source-block.ts';
import { stakeClaim } from '../../../src/engine/cutover/source-claim.ts';
import { NotNow } from '../../../src/engine/mongodb/failure-policy.ts';
import { noteRouters } from '../../../src/engine/mongodb/sharding.ts';
import type { MigrationLog } from '../../../src/engine/records/migration-log.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const A: Claim = { id: 'a', migrationId: 'A', term: 1 };
const B: Claim = { id: 'b', migrationId: 'B', term: 1 };

/** Stands in for the router of a sharded cluster. It keeps the record of the block, and shows a block. */
class StandInRouter extends EventEmitter {
  readonly sent: string[] = [];
  record: Document | undefined;
  isBlocked = false;
  /** Called before the record is replaced. */
  beforeReplacing: () => void | Promise<void> = () => undefined;
  /** Called when the block is to be set. */
  onBlock: () => void | Promise<void> = () => undefined;
  refusal: Error | undefined;
  #seconds = 1_000;

  constructor() {
    super();
    noteRouters(this.asClient);
    this.emit('serverDescriptionChanged', { newDescription: { type: 'Mongos' } });
  }

  get asClient(): MongoClient {
    return this as unknown as MongoClient;
  }

  db() {
    return {
      command: async (command: Document) => {
        const [name = ''] = Object.keys(command);
        this.sent.push(name);
        if (this.refusal) throw this.refusal;
        if (command.setUserWriteBlockMode && command.global) await this.onBlock();
        this.#seconds += 1;
        const operationTime = new Timestamp({ t: this.#seconds, i: 1 });
        const isBlock = command.find === 'user_writes_critical_sections';
        const found = isBlock ? this.isBlocked && { blockUserWrites: true } : command.find && this.record;
        return { ok: 1, operationTime, cursor: { firstBatch: found ? [found] : [] } };
      },
      collection: () => ({
        replaceOne: async ({ revision }: Document, record: Document, { upsert }: Document) => {
          await this.beforeReplacing();
          const matches = this.record?.revision === revision;
          if (!matches && upsert && this.record) throw new MongoServerError({ message: 'exists', code: 11000 });
          if (matches || upsert) this.record = record;
          return { matchedCount: Number(matches), upsertedCount: Number(!matches && upsert) };
        },
      }),
    };
  }
}

const unauthorized = () => new MongoServerError({ message: 'not authorized', code: 13 });

/** A retrier that tries once, so that a wait shows as its reason. */
const once = { run: (_: string, act: () => Promise<unknown>) => act() };

function contextOf(router: StandInRouter) {
  const context = unconnectedContext(new AbortController().signal);
  const checkpoint = { migrationId: A.migrationId };
  const fence = { confirm: async () => undefined };
  const both = { source: router.asClient, destination: router.asClient };
  return { ...context, ...both, fence, checkpoint, retrier: once } as unknown as typeof context;
}

/** Stands in for the record of a migration whose cutover was interrupted. */
function interruptedLog() {
  const events: string[] = [];
  const cutover = { requestedAtMs: 0, blocking: true, committed: false };
  const log = {
    record: { state: 'CUTTING_OVER', term: 1, cutover },
    advanceCutover: async (event: string) => {
      await setImmediate();
      events.push(event);
    },
    sourceOpened: async () => void events.push('source opened'),
  } as unknown as MigrationLog;
  return { log, events };
}

/** Blocks the source under the claim of A. */
async function block(router: StandInRouter, log: MigrationLog) {
  const timeline = { begin: () => undefined, attempts: [] };
  const watchdog = { hasEnded: false, keepQuiet: () => undefined };
  const options = { claim: A, limit: { limitMs: 100, majorityMs: 1 }, earlier: undefined, timeline, watchdog };
  return await blockSource(contextOf(router), log, options as never);
}

describe("the record of a sharded source's write block (a stand-in, no real router)", () => {
  test('has the steps of engines that act at the same moment one after the other', async () => {
    const router = new StandInRouter();
    for (const first of [true, false]) {
      router.beforeReplacing = async () => {
        router.beforeReplacing = () => undefined;
        await recordStep(router.asClient, 'claimed', first ? B : { ...B, id: 'again' });
      };
      const { state } = await recordStep(router.asClient, 'claimed', A);
      assert.equal(state.holder?.id, first ? 'b' : 'again');
    }
  });

  test('keeps a claim while nothing is blocked, and names the migration whose claim the block follows', async () => {
    const router = new StandInRouter();
    await recordStep(router.asClient, 'claimed', A);
    assert.equal((await readBlockRecord(router.asClient)).state.holder?.id, 'a');
    router.isBlocked = true;
    const { state } = await readBlockRecord(router.asClient);
    assert.equal(state.block?.setBy, 'A');
  });

  test('names a missing privilege, and passes on any other error', async () => {
    const router = new StandInRouter();
    router.refusal = unauthorized();
    await assert.rejects(readBlockRecord(router.asClient), (error) => {
      assert.ok(error instanceof NotNow);
      assert.match(error.message, /Grant it find, insert and update/);
      return true;
    });
    router.refusal = new MongoServerError({ message: 'broken', code: 8 });
    await assert.rejects(readBlockRecord(router.asClient), { code: 8 });
    router.refusal = undefined;
    router.beforeReplacing = () => {
      router.beforeReplacing = () => undefined;
      throw new MongoServerError({ message: 'broken', code: 8 });
    };
    await assert.rejects(recordStep(router.asClient, 'claimed', A), { code: 8 });
  });

  test('keeps a migration from returning to an old source from which another one is cutting over', async () => {
    const router = new StandInRouter();
    await stakeClaim(router.asClient, B);
    await assert.rejects(confirmBlockUnused(contextOf(router)), /migration B is cutting over from there/);
    await recordStep(router.asClient, 'released', B);
    await confirmBlockUnused(contextOf(router));
  });

  test('keeps an engine from blocking a source that another migration has claimed, and it sets no block', async () => {
    const router = new StandInRouter();
    await stakeClaim(router.asClient, B);
    const { log } = interruptedLog();
    const blocked = await block(router, log);
    assert.match('refusal' in blocked ? blocked.refusal : '', /migration B is cutting over/);
    assert.equal(router.sent.includes('setUserWriteBlockMode'), false);
  });

  test('keeps an engine from asking for the block again once its claim is lost, or its watchdog opens the source', async () => {
    for (const lose of [
      (router: StandInRouter) => {
        router.record = { ...router.record, holder: { ...B, step: 'claimed', seconds: 1_000 } };
      },
      (router: StandInRouter) => recordStep(router.asClient, 'opening', A),
    ]) {
      const router = new StandInRouter();
      let asked = 0;
      router.onBlock = async () => {
        asked += 1;
        if (asked > 1) return;
        await lose(router);
        throw new MongoServerError({ message: 'takes too long', code: 50 });
      };
      const blocked = await block(router, interruptedLog().log);
      assert.match('refusal' in blocked ? blocked.refusal : '', /another cutover holds its write block/);
      assert.equal(asked, 1);
    }
  });

  test('makes an engine wait until an earlier one has opened the source, and it does not count as open before', async () => {
    const router = new StandInRouter();
    const earlier = { ...A, id: 'earlier' };
    router.isBlocked = true;
    await recordStep(router.asClient, 'claimed', earlier);
    await recordStep(router.asClient, 'opening', earlier);
    const { log, events } = interruptedLog();
    await assert.rejects(settleOpenBlock(contextOf(router), log), /an earlier engine is about to open it/);
    assert.deepEqual(events, []);
  });

  test('leaves the block of another migration, and the interrupted cutover no longer counts as blocking', async () => {
    const router = new StandInRouter();
    await stakeClaim(router.asClient, B);
    router.isBlocked = true;
    const { log, events } = interruptedLog();
    await settleOpenBlock(contextOf(router), log);
    assert.deepEqual(events, ['source opened']);
    assert.equal(router.sent.includes('setUserWriteBlockMode'), false);
  });
});
