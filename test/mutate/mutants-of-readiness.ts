import type { Mutant } from './mutant.ts';

const READINESS = 'test/engine/report/readiness.test.ts';
const HONEST = 'test/engine/report/honest-readiness.test.ts';

/** Each removes one rule that keeps a migration from being called ready too early. */
export const OF_READINESS: readonly Mutant[] = [
  {
    without: 'the growth of the lag while nothing is heard',
    file: 'src/engine/capture/lag-meter.ts',
    replace: 'ageMs: agoMs(this.#provenTo, now),',
    by: 'ageMs: agoMs(this.#provenTo, this.#provenAt),',
    tests: { file: 'test/engine/capture/lag-meter.test.ts', name: 'whatever stops, sleeps or restarts' },
  },
  {
    without: 'the clock that goes on while the machine sleeps',
    file: 'src/engine/capture/lag-meter.ts',
    replace: 'return Math.max(0, now.elapsedMs - then.elapsedMs, now.wallMs - then.wallMs);',
    by: 'return Math.max(0, now.elapsedMs - then.elapsedMs);',
    tests: { file: 'test/engine/capture/lag-meter.test.ts', name: 'whatever stops, sleeps or restarts' },
  },
  {
    without: 'the age of the newest barrier in the gate of the lag',
    file: 'src/engine/report/readiness.ts',
    replace: 'if (lagSeconds > limit || applied.ageMs > LAG_LIMIT_MS) {',
    by: 'if (lagSeconds > limit) {',
    tests: { file: READINESS, name: 'only when all of it is live' },
  },
  {
    without: 'the wait for the latest comparisons before a cutover',
    file: 'src/engine/report/readiness.ts',
    replace: 'const late = isSettled ? whyBehind(stream) : undefined;',
    by: 'const late = undefined;',
    tests: { file: HONEST, name: 'held at' },
  },
  {
    without: 'new barriers after a pause',
    file: 'src/engine/capture/lag-probe.ts',
    replace: 'if (closings !== this.#closings) this.#resume();',
    by: '',
    tests: { file: HONEST, name: 'paused and resumed' },
  },
  {
    without: 'barriers that a restarted engine has sent itself',
    file: 'src/engine/report/readiness.ts',
    replace: "if (applied.isKnown && applied.isSteady) return gate('lag', 'passed', [], more);",
    by: "return gate('lag', 'passed', [], more);",
    tests: { file: HONEST, name: 'after a restart' },
  },
  {
    without: 'doubt about the last report of a silent agent',
    file: 'src/control/migrations/migration-gates.ts',
    replace: "(heard.state === 'passed' ? gate : outdated(gate, heard))",
    by: 'gate',
    tests: { file: 'test/atlas-api/migration-readiness.test.ts', name: 'whose agent is silent' },
  },
];
