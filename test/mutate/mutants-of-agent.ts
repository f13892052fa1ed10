import type { Mutant } from './mutant.ts';

const FORGED_ANSWERS = 'test/agent/forged-answers.test.ts';
const UNUSABLE_AGENTS = 'test/gateway/unusable-agents.test.ts';

/** Each removes one rule about the agent's link, its orders, or the files on which agent and server depend. */
export const OF_AGENT: readonly Mutant[] = [
  {
    without: 'writing the whole text before a file is replaced',
    file: 'src/platform/durable-file.ts',
    replace: 'writeFileSync(descriptor, text);',
    by: "process.getBuiltinModule('node:fs').writeSync(descriptor, text);",
    tests: { file: 'test/platform/durable-file.test.ts' },
  },
  {
    without: 'keeping the key of an ended link until the control plane has ended it',
    file: 'src/agent/unlink-notice.ts',
    replace: 'if (endsLink(error)) {',
    by: 'if (endsLink(error) || error instanceof UserError) {',
    tests: { file: 'test/agent/ops-manager-api.test.ts', name: 'an unlinking that the control plane refuses' },
  },
  {
    without: 'ending the link of an agent that waits for approval',
    file: 'src/gateway/gateway.ts',
    replace: 'agents.routeOfUnlinking',
    by: 'agents.route',
    tests: { file: 'test/gateway/relinking.test.ts', name: 'only an agent itself can end its link' },
  },
  {
    without: 'changing the link of a host one change at a time',
    file: 'src/agent/migration-host.ts',
    replace: 'return await this.#linkChanges.run(() => this.#retire());',
    by: 'return await this.#retire();',
    tests: { file: 'test/agent/ops-manager-api.test.ts', name: 'a host that is linked while it is being unlinked' },
  },
  {
    without: 'holding a cutover back until its note is durable',
    file: 'src/agent/migration-orders.ts',
    replace: "migration.wanted !== 'cutover' || this.#notes.has(migration)",
    by: "migration.wanted !== 'cutover' || this.#notes !== undefined",
    tests: { file: 'test/agent/unwritable-data.test.ts' },
  },
  {
    without: 'binding an answer to the head of its request',
    file: 'src/link/signed-answer.ts',
    replace: "['linkspan-answer-2', requestHead, ...answered]",
    by: "['linkspan-answer-2', ...answered]",
    tests: { file: FORGED_ANSWERS, name: 'is rejected, although the control plane signed it' },
  },
  {
    without: 'signing the former form only for a verified request',
    file: 'src/gateway/gateway.ts',
    replace: 'const forms = isVerified(request) ?',
    by: 'const forms = isVerified(request) || true ?',
    tests: { file: 'test/gateway/older-agents.test.ts' },
  },
  {
    without: 'comparing the body of a redemption with its head first',
    file: 'src/gateway/redemptions.ts',
    replace: '      assertNamedBody(request);\n',
    by: '',
    tests: { file: FORGED_ANSWERS, name: 'another body than its head names' },
  },
  {
    without: 'refusing unusable agents before their requests are remembered',
    file: 'src/gateway/signed-request.ts',
    replace: '      assertUsable(linked);\n',
    by: '      this.#replays.admit(publicKey, proof, this.#control.clock.now());\n      assertUsable(linked);\n',
    tests: { file: UNUSABLE_AGENTS, name: 'stores nothing of a request' },
  },
  {
    without: 'limiting the remembered requests of an agent',
    file: 'src/link/replay-guard.ts',
    replace: 'young.size >= MOST_REQUESTS',
    by: 'young.size >= Number.POSITIVE_INFINITY',
    tests: { file: 'test/link/replay-guard.test.ts', name: 'up to a limit' },
  },
  {
    without: 'forgetting requests after the clock was set back',
    file: 'src/link/replay-guard.ts',
    replace: 'Math.abs(nowMs - this.#turnedAtMs)',
    by: '(nowMs - this.#turnedAtMs)',
    tests: { file: 'test/link/replay-guard.test.ts', name: 'set back' },
  },
  {
    without: 'counting the refusals of unusable agents',
    file: 'src/http/failed-attempts.ts',
    replace:
      '  unusable(request: FastifyRequest, name: string): void {\n    if (this.#perMinute === Number.POSITIVE_INFINITY) return;\n',
    by: '  unusable(request: FastifyRequest, name: string): void {\n    if (this.#perMinute > 0) return;\n',
    tests: { file: UNUSABLE_AGENTS, name: 'refused unchecked' },
  },
  {
    without: 'carrying out orders while new keys cannot be stored',
    file: 'src/agent/link-client.ts',
    replace: 'if (!(error instanceof UserError)) throw error;',
    by: 'throw error;',
    tests: { file: 'test/agent/unwritable-data.test.ts', name: 'new keys of the control plane' },
  },
  {
    without: 'storing new keys with a later poll',
    file: 'src/agent/link-client.ts',
    replace: '    } catch (error) {\n      if (!(error instanceof UserError)) throw error;\n',
    by: '    } catch (error) {\n      this.#storedKeys = this.#serverKeys;\n      if (!(error instanceof UserError)) throw error;\n',
    tests: { file: 'test/agent/unwritable-data.test.ts', name: 'new keys of the control plane' },
  },
];
