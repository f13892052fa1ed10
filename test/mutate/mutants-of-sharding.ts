import type { Mutant } from './mutant.ts';

const ONE_ROUTER = 'test/sharded/one-router.test.ts';
const ONE_ADDRESS = 'test/engine/mongodb/one-address.test.ts';
const ROUTERS_OF_ONE_NAME = 'test/sharded/routers-of-one-name.test.ts';
const ONE_READ = 'test/engine/mongodb/repeated-ids.test.ts';
const SNAPSHOT_TIME = 'test/sharded/snapshot-time.test.ts';
const REPEATED = 'test/sharded/repeated-ids.test.ts';
const BARRIERS = 'test/sharded/barriers.test.ts';
const RECORD = 'test/sharded/block-record.test.ts';
const TWO = 'test/sharded/two-migrations.test.ts';
const BLOCK = 'test/sharded/write-block.test.ts';
const DEADLOCK = 'test/sharded/block-deadlock.test.ts';
const LIFECYCLE = 'test/sharded/lifecycle.test.ts';
const RESHARDING = 'test/sharded/resharding.test.ts';
const WHOLE = 'test/sharded/whole.test.ts';
const VERIFY = 'test/sharded/verify.test.ts';

/** Each removes one rule of a sharded source: of its routers, its barriers, its write block, and of one `_id` on two shards. */
export const OF_SHARDING: readonly Mutant[] = [
  {
    without: 'knowing a sharded cluster by its routers',
    file: 'src/engine/mongodb/sharding.ts',
    replace: "if (newDescription.type === 'Mongos') ofRouters.add(client);",
    by: '',
    tests: { file: LIFECYCLE, name: 'never blocked for a rehearsal' },
  },
  {
    without: 'staying with one router of a sharded cluster',
    file: 'src/engine/mongodb/one-router.ts',
    replace: 'const router = routers.find(({ address }) => address === current) ?? nearest;',
    by: 'const router = routers[Math.floor(Math.random() * routers.length)] ?? nearest;',
    tests: { file: ONE_ROUTER },
  },
  {
    without: 'another router of a sharded cluster when one is lost',
    file: 'src/engine/mongodb/one-router.ts',
    replace: '?? nearest;\n    current = router?.address;',
    by: '?? (current === undefined ? nearest : undefined);\n    current ??= router?.address;',
    tests: { file: ONE_ROUTER },
  },
  {
    without: 'one address for all connections to routers behind one name',
    file: 'src/engine/mongodb/one-address.ts',
    replace: 'this.#current ??= this.#offered.find((offered) => offered.address === address);',
    by: 'void address;',
    tests: { file: ONE_ADDRESS, name: 'all connections go to one address' },
  },
  {
    without: 'every address of a name when others are lost',
    file: 'src/engine/mongodb/one-address.ts',
    replace: 'this.#lost = [...this.#lost.filter((address) => !lost.includes(address)), ...lost];',
    by: 'this.#lost = lost;',
    tests: { file: ONE_ADDRESS, name: 'the last address that is left' },
  },
  {
    without: 'both addresses of a name with one of each family',
    file: 'src/engine/mongodb/one-address.ts',
    replace: 'n === best.findIndex((other) => other.family === family)',
    by: 'n === 0 || family === -1',
    tests: { file: ONE_ADDRESS, name: 'both families' },
  },
  {
    without: 'another address of a name after a loss',
    file: 'src/engine/mongodb/one-address.ts',
    replace: "client.on('serverHeartbeatFailed', ({ connectionId: server }) => addresses.get(server)?.lose());",
    by: '',
    tests: { file: ROUTERS_OF_ONE_NAME, name: 'all connections go to one' },
  },
  {
    without: 'refusing an _id that one read has twice',
    file: 'src/engine/mongodb/repeated-ids.ts',
    replace: '    if (seen.has(key.identity)) return key;\n',
    by: '',
    tests: { file: ONE_READ },
  },
  {
    without: 'refusing an _id at the end of one batch and the beginning of the next',
    file: 'src/engine/mongodb/repeated-ids.ts',
    replace: 'new Set(previous === undefined ? [] : [previous.identity])',
    by: 'new Set<string>()',
    tests: { file: ONE_READ },
  },
  {
    without: 'setting a collection aside that has one _id on two shards',
    file: 'src/engine/mongodb/repeated-ids.ts',
    replace: 'if (found.length < 2) return;',
    by: 'if (found.length < 3) return;',
    tests: { file: REPEATED },
  },
  {
    without: 'a time at which all shards are asked for an _id',
    file: 'src/engine/mongodb/repeated-ids.ts',
    replace: '...(time.from && { afterClusterTime: time.from })',
    by: '',
    tests: { file: SNAPSHOT_TIME, name: 'has not heard of it' },
  },
  {
    without: "asking at a digest's own time whether an _id is on two shards",
    file: 'src/engine/compare-clusters/digest-collection.ts',
    replace: 'const time = this.#atClusterTime ? { at: clusterTime } : { from: clusterTime };',
    by: 'const time = { from: clusterTime };',
    tests: { file: SNAPSHOT_TIME, name: 'one of them is deleted meanwhile' },
  },
  {
    without: 'reading a range again for a digest that met one document twice',
    file: 'src/engine/compare-clusters/digest-collection.ts',
    replace: 'throw new NotNow(',
    by: 'void new NotNow(',
    tests: { file: SNAPSHOT_TIME, name: 'reads again' },
  },
  {
    without: "reading a sharded source's document although its event shows a delete",
    file: 'src/engine/capture/dispatcher.ts',
    replace: 'const state = mayRepeat ? UNKNOWN : stateAfter(event, collection);',
    by: 'const state = stateAfter(event, collection);',
    tests: { file: REPEATED },
  },
  {
    without: "comparing a sharded source's capped collections without a snapshot",
    file: 'src/engine/collections/repeated-ids.ts',
    replace: 'return isSharded(source) && !isCapped;',
    by: 'return isSharded(source) || isCapped;',
    tests: { file: WHOLE },
  },
  {
    without: "verifying a sharded side's capped collections without a snapshot",
    file: 'src/engine/compare-clusters/refuse-repetitions.ts',
    replace: "return isSharded(client) && !pair[side].options.has('capped');",
    by: "return isSharded(client) || pair[side].options.has('capped');",
    tests: { file: VERIFY },
  },
  {
    without: 'refusing one _id on two shards when clusters are compared',
    file: 'src/engine/compare-clusters/refuse-repetitions.ts',
    replace: '  if (key !== undefined) await refuseRepetition(compared, pair, key);\n',
    by: '  void key;\n',
    tests: { file: VERIFY },
  },
  {
    without: 'passing a barrier on the idle servers of a sharded source',
    file: 'src/engine/mongodb/cluster-time.ts',
    replace: '  if (isSharded(client)) await passOnIdleServers(client, time);\n',
    by: '',
    tests: { file: BARRIERS, name: 'every idle server' },
  },
  {
    without: 'a read that lets an idle config server pass a barrier',
    file: 'src/engine/mongodb/cluster-time.ts',
    replace: "await Promise.all([writeNote(client), client.db('config').command(read)]);",
    by: 'await writeNote(client); void read;',
    tests: { file: BARRIERS, name: 'every idle server' },
  },
  {
    without: 'waiting out the write block of a sharded source',
    file: 'src/engine/mongodb/write-block.ts',
    replace: '  if (!isSharded(client)) return await setWithin(client, limitMs);\n',
    by: '  if (limitMs > 0) return await setWithin(client, limitMs);\n',
    tests: { file: BLOCK },
  },
  {
    without: 'reading from the config server whether a sharded source is blocked',
    file: 'src/engine/mongodb/write-block.ts',
    replace: 'isSharded(client) ? shardsAreBlocked(client) : serverIsBlocked(client)',
    by: 'serverIsBlocked(client)',
    tests: { file: LIFECYCLE, name: 'opens the source when it is stopped under the block' },
  },
  {
    without: "a record of who holds a sharded source's block",
    file: 'src/engine/cutover/block-notes.ts',
    replace: '  if (isSharded(source)) return await recordStep(source, step, claim);\n',
    by: '  if (isSharded(source)) return undefined;\n',
    tests: { file: TWO, name: 'at the same moment' },
  },
  {
    without: "one order of the steps in the record of a sharded source's block",
    file: 'src/engine/cutover/block-record.ts',
    replace: 'records.replaceOne({ _id: ID, revision }, record',
    by: 'records.replaceOne({ _id: ID }, record',
    tests: { file: RECORD, name: 'derived from an earlier one' },
  },
  {
    without: "keeping the claim until the lift of a sharded source's block has ended",
    file: 'src/engine/cutover/block-record.ts',
    replace: "  if (state.holder?.step === 'opening') return { ...state, block: undefined };\n",
    by: '',
    tests: { file: RECORD, name: 'until that migration ends it' },
  },
  {
    without: "counting a sharded source's block that is being set",
    file: 'src/engine/cutover/block-record.ts',
    replace: "shown === 'set' || (shown === 'changing' && (isKnown || state.holder !== undefined))",
    by: "shown === 'set'",
    tests: { file: RECORD, name: 'waits for a transaction' },
  },
  {
    without: "claiming a sharded source's block again before it is asked for again",
    file: 'src/engine/mongodb/write-block.ts',
    replace: '    await confirm();\n',
    by: '    void confirm;\n',
    tests: { file: RECORD, name: 'waits for a transaction' },
  },
  {
    without: "a time limit for the lift of a sharded source's block",
    file: 'src/engine/mongodb/write-block.ts',
    replace: 'global: false, maxTimeMS: SEND_TO_SHARDS_WITHIN_MS',
    by: 'global: false',
    tests: { file: RECORD, name: 'a minute' },
  },
  {
    without: 'leaving the record of the write block out of the migration',
    file: 'src/engine/catalog/unsupported.ts',
    replace: ' && name !== BLOCK_RECORD.name',
    by: '',
    tests: { file: TWO, name: 'at the same moment' },
  },
  {
    without: 'refusing to rehearse on a sharded source',
    file: 'src/engine/cutover/rehearse.ts',
    replace: 'if (isSharded(context.source))',
    by: 'if (false)',
    tests: { file: LIFECYCLE, name: 'never blocked for a rehearsal' },
  },
  {
    without: 'looking for collections that a sharded source has resharded',
    file: 'src/engine/capture/followed-catalog.ts',
    replace: 'if (!signal.aborted) await this.#lookForUnshown();',
    by: '',
    tests: { file: RESHARDING, name: 'idle collection' },
  },
  {
    without: 'looking for resharded collections under the write block',
    file: 'src/engine/capture/followed-catalog.ts',
    replace: '    if (namespace !== undefined)\n',
    by: '    if (namespace === undefined && this.#changed.size < 0)\n',
    tests: { file: RESHARDING, name: 'right before the block' },
  },
  {
    without: 'ending a deadlock between the block of a sharded source and a commit',
    file: 'src/engine/mongodb/write-block.ts',
    replace: 'await endingDeadlocks(client, () => blockShards(client, confirm));',
    by: 'await blockShards(client, confirm);',
    tests: { file: DEADLOCK, name: 'both come to an end' },
  },
  {
    without: 'ending such a deadlock when the block is lifted',
    file: 'src/engine/mongodb/write-block.ts',
    replace: 'await endingDeadlocks(client, () => unblockShards(client));',
    by: 'await unblockShards(client);',
    tests: { file: DEADLOCK, name: 'whoever began' },
  },
  {
    without: 'asking for killop before the first byte',
    file: 'src/engine/preflight/missing-privileges.ts',
    replace: '...(privileges.hasOnCluster(KILLOP.action) ? [] : [KILLOP]),',
    by: '',
    tests: { file: 'test/sharded/plan.test.ts' },
  },
  {
    without: 'ending a deadlock while a cluster is checked before a run',
    file: 'src/engine/preflight/preflight.ts',
    replace: 'await endingDeadlocks(from, () => examineBoth(from, to, options, settings, limit));',
    by: 'await examineBoth(from, to, options, settings, limit);',
    tests: { file: DEADLOCK, name: 'a migration can start' },
  },
  {
    without: 'looking for a lift under way',
    file: 'src/engine/mongodb/write-block.ts',
    replace: '!(await isBeingLifted(client)) && ',
    by: '',
    tests: { file: BLOCK, name: 'being lifted' },
  },
  {
    without: 'a time limit of the driver for a lift',
    file: 'src/engine/mongodb/write-block.ts',
    replace: 'await setBlock(client, { global: false, maxTimeMS: SEND_TO_SHARDS_WITHIN_MS }, sent);',
    by: 'await setBlock(client, { global: false, maxTimeMS: SEND_TO_SHARDS_WITHIN_MS });',
    tests: { file: BLOCK, name: 'found no router' },
  },
  {
    without: 'waiting for a resharding before the block is set',
    file: 'src/engine/mongodb/write-block.ts',
    replace: 'isSharded(client) ? listReshardings(client) : [],',
    by: '[] as string[],',
    tests: { file: 'test/sharded/resharding.test.ts' },
  },
];
