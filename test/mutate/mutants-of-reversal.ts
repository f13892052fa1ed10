import type { Mutant } from './mutant.ts';

const AGENT = 'test/agent/reversal.test.ts';
const TABLE = 'test/control/records/reversal-transitions.test.ts';
const API = 'test/atlas-api/reversible-migration.test.ts';

/** Each removes one rule about the direction of a migration between control plane and agent. */
export const OF_REVERSAL: readonly Mutant[] = [
  {
    without: 'applying a request only to the direction that it is about',
    file: 'src/agent/reversal.ts',
    replace: 'if (ahead !== 0) return false;',
    by: '',
    tests: { file: AGENT, name: 'orders that come early' },
  },
  {
    without: 'closing only the way back of the wanted direction',
    file: 'src/agent/reversal.ts',
    replace: 'if (finishOf !== undefined || isUnknown || ahead === 0 || ahead === 1) this.#finish(finishOf);',
    by: 'this.#finish(finishOf);',
    tests: { file: AGENT, name: 'orders that come early' },
  },
  {
    without: 'passing on which way back is to be closed',
    file: 'src/agent/reversal.ts',
    replace: 'await this.#migration.finish(cutover);',
    by: 'await this.#migration.finish();',
    tests: { file: AGENT, name: 'closes the way back of the cutover' },
  },
  {
    without: 'closing no way back but that of the last cutover',
    file: 'src/engine/reversible-migration.ts',
    replace: 'if (cutover !== undefined && cutover !== reversals)',
    by: 'if (cutover === -1)',
    tests: { file: AGENT, name: 'closes the way back of the cutover' },
  },
  {
    without: 'closing on record no way back but that of the cutover that is named',
    file: 'src/engine/reversible-migration.ts',
    replace: '    if (cutover !== undefined) {\n',
    by: '    if (cutover === -1) {\n',
    tests: { file: AGENT, name: 'closes the way back of the cutover' },
  },
  {
    without: 'forgetting a finish once another cutover has followed',
    file: 'src/control/records/reversal-transitions.ts',
    replace: '    wayBack,\n    wayBackSinceMs',
    by: "    wayBack: state.wayBack === 'finishing' ? 'finishing' : wayBack,\n    wayBackSinceMs",
    tests: { file: TABLE, name: 'a reversible migration that is' },
  },
  {
    without: 'ending a migration whose way back was closed while a side is lost',
    file: 'src/control/migrations/take-report.ts',
    replace: "if (wayBack?.state === 'closed' && reversals",
    by: 'if (reversals === -1 && reversals',
    tests: { file: API, name: 'while the old source was lost' },
  },
  {
    without: 'ending only the way back that was reported as closed',
    file: 'src/control/migrations/take-report.ts',
    replace: ' && reversals === lastCutoverOf(migration.state))',
    by: ')',
    tests: { file: API, name: 'while the old source was lost' },
  },
  {
    without: 'ignoring a cutover of an earlier direction',
    file: 'src/control/records/reversal-transitions.ts',
    replace: "return reversals < now ? 'earlier' : 'later';",
    by: "return 'later';",
    tests: { file: TABLE, name: 'a reversible migration that is' },
  },
  {
    without: 'refusing to cancel a reversal',
    file: 'src/control/records/migration-transitions.ts',
    replace: "isReversed(state)\n    ? 'refused'",
    by: "isReversed(state) && state.status === 'NEW'\n    ? 'refused'",
    tests: { file: TABLE, name: 'a reversible migration that is' },
  },
  {
    without: 'keeping orders of reversible migrations from agents that know no reversals',
    file: 'src/control/migrations/wanted-state.ts',
    replace: 'if (migration.reversible && !features.includes(REVERSALS)) continue;',
    by: '',
    tests: { file: API, name: 'does not know reversals' },
  },
  {
    without: 'a new confirmation of drops for each direction',
    file: 'src/control/records/reversal-transitions.ts',
    replace: 'dropsConfirmed: false,',
    by: '',
    tests: { file: API, name: 'counts for one direction' },
  },
  {
    without: 'noting for which cutover a way back was announced',
    file: 'src/control/migrations/take-report.ts',
    replace: 'migration.state.wayBackReadyAfter !== state.wayBackReadyAfter',
    by: 'state.wayBackReadyAfter !== undefined',
    tests: { file: API, name: 'leaves one record for each cutover' },
  },
  {
    without: 'keeping a migration whose cutover is committed when its engine fails',
    file: 'src/control/records/migration-transitions.ts',
    replace: "if (commit === undefined) return end(state, 'FAILED', atMs, message);",
    by: "if (commit !== 'unknown') return end(state, 'FAILED', atMs, message);",
    tests: { file: 'test/atlas-api/migration-cutover.test.ts', name: 'past the point of no return' },
  },
  {
    without: 'keeping the order of a migration whose abort its agent has not answered when the window ends',
    file: 'src/control/records/may-be-committed.ts',
    replace: 'return cutoverAborted !== undefined && reported?.cutoverAborted !== cutoverAborted;',
    by: 'return cutoverAborted !== undefined && false;',
    tests: { file: 'test/atlas-api/migration-cutover.test.ts', name: 'waits for the answer to an abort' },
  },
  {
    without: 'keeping the order of a cutover that may be committed when its agent fails before it has read the records',
    file: 'src/control/migrations/take-report.ts',
    replace: "return reported.sinceMs === null && mayBeCommitted(state, known) ? 'unknown' : undefined;",
    by: 'return undefined;',
    tests: { file: 'test/atlas-api/migration-cutover.test.ts', name: 'fails before it has read' },
  },
  {
    without: 'the advice not to open the source of a committed cutover',
    file: 'src/control/links/revoke-link.ts',
    replace: 'if (progress?.cutoverReport !== undefined && isOpenCutover)',
    by: 'if (progress === undefined)',
    tests: { file: 'test/atlas-api/migration-cutover.test.ts', name: 'never advises to open the source' },
  },
  {
    without: 'the advice to look at the records before the block of a cutover is lifted that may be committed',
    file: 'src/control/links/revoke-link.ts',
    replace: '  if (isOpenCutover)\n    return',
    by: "  if (isOpenCutover && state.status === 'COMPLETE')\n    return",
    tests: { file: 'test/atlas-api/migration-cutover.test.ts', name: 'may be committed advises' },
  },
];
