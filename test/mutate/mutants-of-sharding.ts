import type { MutantTable } from './mutant.ts';
import { keep, remove, replace } from './operations.ts';

/** Rules for sharded clusters. */
export const OF_SHARDING: MutantTable = {
  'test/engine/preflight/connections.test.ts': [
    ['refuse-config-shard', replace('false'), 'different with a sharded source'],
  ],
  'test/sharded/barriers.test.ts': [
    ['barrier-on-idle-shards', remove(), 'every idle server'],
    ['barrier-on-config-server', keep('element', 'call'), 'every idle server'],
  ],
  'test/sharded/block-deadlock.test.ts': [
    ['end-deadlock-of-block', keep('call', 'call'), 'both come to an end'],
    ['end-deadlock-of-lift', keep('call', 'call 2'), 'the client that began'],
    ['end-deadlock-in-preflight', keep('call', 'call'), 'a migration can start'],
  ],
  'test/sharded/block-record.test.ts': [
    ['order-of-block-steps', remove('property 2'), 'derived from an earlier one'],
    ['claim-until-lifted', remove(), 'until that migration ends it'],
    ['count-block-being-set', keep('operand'), 'waits for a transaction'],
    ['reclaim-before-asking-again', remove(), 'waits for a transaction'],
    ['sharded-lift-time-limit', remove('property 2'), 'a minute'],
  ],
  'test/sharded/lifecycle.test.ts': [
    ['sharded-by-routers', remove(), 'never blocked for a rehearsal'],
    ['sharded-block-from-config', keep('branch 2', 'argument'), 'opens the source when it is stopped under the block'],
    ['no-rehearsal-when-sharded', replace('false'), 'never blocked for a rehearsal'],
  ],
  'test/sharded/one-router.test.ts': [
    ['stay-with-router', replace('$(name 2)[Math.floor(Math.random() * $(name 2).length)] ?? $(name 6)')],
    [
      'next-router-after-loss',
      replace('if ($(name) !== undefined && $(name 2)?.address !== $(name)) return []; $()', 'rule'),
    ],
  ],
  'test/sharded/plan.test.ts': [['require-killop', remove()]],
  'test/sharded/repeated-ids.test.ts': [
    ['quarantine-repeated-id', replace('3', 'literal')],
    ['read-sharded-deletes', keep('call')],
  ],
  'test/sharded/resharding.test.ts': [
    ['look-for-resharded', remove(), 'idle collection'],
    ['resharded-under-block', replace('false'), 'right before the block'],
    ['wait-for-resharding', keep('branch 2', 'rule')],
  ],
  'test/sharded/routers-of-one-name.test.ts': [['next-address-after-loss', remove(), 'all connections go to one']],
  'test/sharded/snapshot-time.test.ts': [
    ['one-time-on-all-shards', remove('property 2'), 'has not heard of it'],
    ['digest-time-on-shards', keep('branch 2'), 'one of them is deleted meanwhile'],
    ['reread-moved-range', remove(), 'reads again'],
  ],
  'test/sharded/two-migrations.test.ts': [
    ['record-of-sharded-block', replace('undefined', 'await'), 'at the same moment'],
    ['leave-out-block-record', remove('operand 2'), 'at the same moment'],
  ],
  'test/sharded/verify.test.ts': [
    ['verify-sharded-capped', replace('$(operand) || $(call 2)')],
    ['refuse-repetition-when-comparing', remove()],
  ],
  'test/sharded/whole.test.ts': [['sharded-capped-without-snapshot', replace('$(name)($(name 2)) || $(name 3)')]],
  'test/sharded/write-block.test.ts': [
    ['wait-out-sharded-block', replace('true')],
    ['lift-under-way', remove('operand'), 'being lifted'],
    ['silent-shard-ends-attempt', remove(), 'a shard that is lost'],
    ['sharded-lift-time-limit', remove('argument 3'), 'found no router'],
  ],
};
