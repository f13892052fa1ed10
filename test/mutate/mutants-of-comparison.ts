import type { Mutant } from './mutant.ts';

const DIGEST = 'test/engine/compare-clusters/digest-cluster.test.ts';
const CATALOGS = 'test/engine/compare/catalog-differences.test.ts';
const CHANGED = 'test/engine/compare-clusters/changed-while-read.test.ts';
const ORDERS = 'test/engine/compare-clusters/capped-order.test.ts';
const REPAIRS = 'test/engine/compare-clusters/refused-repairs.test.ts';
const BESIDE = 'test/engine/compare-clusters/repair-beside.test.ts';
const FOREIGN = 'test/engine/compare-clusters/foreign-repairs.test.ts';
const REPORTS = 'test/cli/digest.test.ts';

/** Each takes away one thing that keeps a digest or a comparison from proving too much. */
export const OF_COMPARISON: readonly Mutant[] = [
  {
    without: 'a digest whose time the change stream covers',
    file: 'src/engine/compare-clusters/digest-times.ts',
    replace: 'first === undefined || !isBefore(time, first)',
    by: 'first === first',
    tests: { file: DIGEST, name: 'majority that lags behind' },
  },
  {
    without: 'reads that resume behind the last document',
    file: 'src/engine/compare-clusters/digest-collection.ts',
    replace: 'if (last !== undefined && !this.#isCapped) this.#after = keyOf(last);',
    by: 'void last;',
    tests: { file: DIGEST, name: 'lost cursors and a step-down' },
  },
  {
    without: 'a digest saying that it was not read at one time',
    file: 'src/engine/compare-clusters/digest-collection.ts',
    replace: 'atClusterTime: this.#atClusterTime && isWhole,',
    by: 'atClusterTime: isWhole,',
    tests: { file: DIGEST, name: 'snapshot the server drops' },
  },
  {
    without: 'a digest noticing writes',
    file: 'src/engine/compare-clusters/seen-writes.ts',
    replace: 'return at !== undefined && isBefore(after, at);',
    by: 'return at === after;',
    tests: { file: DIGEST, name: 'capped collection has a digest' },
  },
  {
    without: 'a digest noticing changes of the catalog',
    file: 'src/engine/compare-clusters/digest-claim.ts',
    replace: 'catalogChanged.length > 0 || ',
    by: '',
    tests: { file: DIGEST, name: 'users and roles says when' },
  },
  {
    without: 'a digest that is unknown where nobody saw writes',
    file: 'src/engine/compare-clusters/digest-claim.ts',
    replace: "if (loose.some(({ written }) => written === null)) return 'unknown';",
    by: '',
    tests: { file: DIGEST, name: 'may not open a change stream' },
  },
  {
    without: 'doubt about reports that prove nothing',
    file: 'src/engine/compare-clusters/compare-reports.ts',
    replace: 'FIRM.includes(claim) ? []',
    by: 'FIRM.length > 0 ? []',
    tests: { file: REPORTS, name: 'proves nothing makes a comparison' },
  },
  {
    without: 'index options that mean nothing being left out',
    file: 'src/engine/compare/canonical-form.ts',
    replace: 'sparse: (value) => !isTrue(value),',
    by: '',
    tests: { file: CATALOGS, name: 'made by different paths' },
  },
  {
    without: 'one type for the numbers of a key',
    file: 'src/engine/compare/canonical-form.ts',
    replace: 'SETTINGS.includes(name) ? withOneNumberType(value) : value',
    by: 'value',
    tests: { file: CATALOGS, name: 'made by different paths' },
  },
  {
    without: 'databases of somebody else being told from remapped ones',
    file: 'src/engine/compare/side-catalog.ts',
    replace: "if (side === 'destination' && onDestination !== own) return undefined;",
    by: '',
    tests: { file: CATALOGS, name: 'filters and remaps decide' },
  },
  {
    without: 'waiting until a new stream has passed the time of its first token',
    file: 'src/engine/compare-clusters/key-stream.ts',
    replace: 'if (token !== this.#openingToken) return true;',
    by: 'if (token !== undefined) return true;',
    tests: { file: 'test/engine/compare-clusters/key-stream.test.ts', name: 'at the very time of a new stream' },
  },
  {
    without: 'a record of what a repair is about to write',
    file: 'src/engine/compare-clusters/rechecks.ts',
    replace: '    for (const { pair, key } of entries) this.#parts.differences.beginRepair(pair.namespace, key);\n',
    by: '',
    tests: { file: 'test/cli/verify.test.ts', name: 'a repair that is killed at' },
  },
  {
    without: 'a run that resumes before the changes of its first reply',
    file: 'src/engine/compare-clusters/watched-side.ts',
    replace: 'this.#tokens = token === undefined ? [] : [{ reply: -1, token }];',
    by: 'this.#tokens = [];',
    tests: { file: 'test/engine/compare-clusters/resumed.test.ts', name: 'is found by the third' },
  },
  {
    without: 'changes that come while a key is read',
    file: 'src/engine/compare-clusters/pending-keys.ts',
    replace:
      'if (reply !== undefined) this.addChange(entry.pair, entry.key, side, reply).isAwaited = entry.awaitsUnread;',
    by: 'void reply;',
    tests: { file: CHANGED, name: 'is read once more' },
  },
  {
    without: 'a result that awaits a change before its time to a key that was being read',
    file: 'src/engine/compare-clusters/pending-keys.ts',
    replace: '.isAwaited = entry.awaitsUnread',
    by: '',
    tests: { file: CHANGED, name: 'a change before the time of a result' },
  },
  {
    without: 'a verdict that a change takes back while another key is judged',
    file: 'src/engine/compare-clusters/rechecks.ts',
    replace: 'if (verdict === undefined || !isShown(verdict.times)) {',
    by: 'if (verdict !== undefined && !isShown(verdict.times)) {',
    tests: { file: CHANGED, name: 'while another one is judged' },
  },
  {
    without: 'a repair that notices changes after its read',
    file: 'src/engine/compare-clusters/rechecks.ts',
    replace: 'if (entry.verdict === verdict) {',
    by: 'if (verdict !== null) {',
    tests: { file: CHANGED, name: 'does not write what it has read before' },
  },
  {
    without: 'another look at an order when one side lacks too many documents',
    file: 'src/engine/compare-clusters/capped-order.ts',
    replace: 'if (alone > MOST_ALONE) return undefined;',
    by: 'if (alone > MOST_ALONE) return { disorder: undefined, digests: undefined };',
    tests: { file: ORDERS, name: 'too many documents' },
  },
  {
    without: 'another look at an order after a failover',
    file: 'src/engine/compare-clusters/capped-order.ts',
    replace: "await parts.retrier.run('both clusters', async () => {",
    by: "await ((_: string, work: () => Promise<OrderLook | undefined>) => work())('both clusters', async () => {",
    tests: { file: ORDERS, name: 'ended with a failover' },
  },
  {
    without: 'another look at an order after a long one without a result',
    file: 'src/engine/compare-clusters/capped-order.ts',
    replace: 'let fruitlessSinceMs: number | undefined;',
    by: 'let fruitlessSinceMs: number | undefined = clock.elapsed();',
    tests: { file: ORDERS, name: 'ended with a lost cursor' },
  },
  {
    without: 'a result that is undecided for an order',
    file: 'src/engine/compare-clusters/report-of.ts',
    replace: ' + proof.unordered.length',
    by: '',
    tests: { file: ORDERS, name: 'an order that cannot be compared' },
  },
  {
    without: 'an open way back that refuses repairs',
    file: 'src/engine/compare-clusters/refuse-repairs.ts',
    replace: 'if (hasWayBack(record))',
    by: 'if (hasWayBack(record) && record.state === undefined)',
    tests: { file: REPAIRS, name: 'waits until the way back' },
  },
  {
    without: 'records on the source that refuse a run with repairs',
    file: 'src/engine/compare-clusters/refuse-repairs.ts',
    replace: 'const there = await readPresent(source);',
    by: 'const there: MigrationRecord[] = [];',
    tests: { file: REPAIRS, name: 'may not read the records' },
  },
  {
    without: 'a migration that begins meanwhile and ends repairs',
    file: 'src/engine/compare-clusters/repairer.ts',
    replace: 'if (askedAtMs - this.#allowedAtMs < ALLOWED_FOR_MS) return;',
    by: 'if (askedAtMs !== this.#allowedAtMs) return;',
    tests: { file: REPAIRS, name: 'a migration that begins' },
  },
  {
    without: 'refusing repairs after a cutover from this source',
    file: 'src/engine/compare-clusters/refuse-repairs.ts',
    replace: 'one.sourceId === sourceId',
    by: "one.sourceId === ''",
    tests: { file: REPAIRS, name: 'a cutover from this source' },
  },
  {
    without: 'refusing repairs after a cutover that may be from this source',
    file: 'src/engine/compare-clusters/refuse-repairs.ts',
    replace: 'isUnknown(one.sourceId) || ',
    by: '',
    tests: { file: REPAIRS, name: 'that may be from this source' },
  },
  {
    without: 'refusing repairs from a source that is not copied yet',
    file: 'src/engine/compare-clusters/refuse-repairs.ts',
    replace: 'else if (!hasEnded(record)) throw',
    by: 'else if (record.state === undefined) throw',
    tests: { file: REPAIRS, name: 'has copied the source' },
  },
  {
    without: 'repairs that leave what only the destination changes',
    file: 'src/engine/compare-clusters/rechecks.ts',
    replace: 'if (!isForeign && this',
    by: 'if (this',
    tests: { file: FOREIGN, name: 'a repair leaves what only the destination changes' },
  },
  {
    without: 'telling the own repair from a write of somebody else',
    file: 'src/engine/compare-clusters/rechecks.ts',
    replace: 'if (repairedTo !== undefined) return',
    by: "if (repairedTo?.hash === 'none') return",
    tests: { file: FOREIGN, name: 'what the source changed meanwhile' },
  },
  {
    without: 'a look for migrations in the transaction of a repair',
    file: 'src/engine/records/ownership.ts',
    replace: 'refuse(await this.#migrations.find({}, { session }).toArray());',
    by: 'void refuse;',
    tests: { file: BESIDE, name: 'not even in the first second' },
  },
  {
    without: 'a conflict between a repair and a migration that takes the destination',
    file: 'src/engine/records/ownership.ts',
    replace: 'await this.#owner.updateOne(OWNER, { $inc: { turns: 1 } }, { session });\n        refuse(',
    by: 'refuse(',
    tests: { file: BESIDE, name: 'before a repair, or after it' },
  },
  {
    without: 'an engine on record that refuses repairs before it has changed the state',
    file: 'src/engine/compare-clusters/refuse-repairs.ts',
    replace: " && !(state === 'failed' && engine !== undefined)",
    by: '',
    tests: { file: BESIDE, name: 'not even in the first second' },
  },
];
