import { LINK_FORM, loadSigningKey, newSigningKey, signRequest } from '../../src/link/index.ts';
import { newId } from '../../src/platform/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { AgentClient, createToken, linkAgent, SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { damageText } from './damage.ts';
import type { FuzzTarget } from './target.ts';

const WORDS = [
  'null',
  '{}',
  '[]',
  '""',
  '-1',
  '1e308',
  'true',
  '"__proto__":{}',
  '\\u0000',
  '{"a":{"a":{"a":{}}}}',
  ',',
];
const TIMES = ['now', Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 8.64e15 + 1, 1.5] as const;
const BETWEEN_GENUINE = 20;

/**
 * Messages of the link: signed by a linked agent, signed by a stranger, or changed on the way. The server must accept or refuse each without
 * an internal error.
 */
export const linkMessages: FuzzTarget = {
  name: 'link messages',
  open: async () => {
    const plane = await startControlPlane({ rateLimits: false, failedAttemptsPerMinute: Number.POSITIVE_INFINITY });
    const key = loadSigningKey(newSigningKey());
    const agent = new AgentClient(plane.url, key);
    agent.agentId = String((await agent.redeem(await createToken(plane))).json.agentId);
    const bystander = await linkAgent(plane, 'host-2');
    let attempts = 0;
    const attempt = async (random: SeededRandom) => {
      attempts += 1;
      const call = random.pick(['redeem', 'poll', 'report']);
      const target = `/link/v1/${call}`;
      const body = damageText(random, JSON.stringify(messageOf(call)), WORDS);
      const signer = random.pick([key, key, loadSigningKey(newSigningKey())]);
      const time = random.pick(TIMES);
      const { audience, agentId } = agent;
      const parties = { audience, agentId: call === 'redeem' ? undefined : agentId };
      const signed = signRequest(signer, { method: 'POST', target, body }, parties, time === 'now' ? Date.now() : time);
      const changed = Object.entries(signed).map(([name, value]) => [
        name,
        random.integer(20) === 0 ? damageText(random, value, WORDS).replaceAll(/[^\x20-\x7e]/g, '') : value,
      ]);
      const headers = { 'content-type': 'application/json', ...Object.fromEntries(changed) };
      const answer = await fetch(plane.url + target, { method: 'POST', headers, body });
      const text = await answer.text();
      if (answer.status >= 500) throw new Error(`${call} ${body} ${JSON.stringify(headers)}: ${answer.status} ${text}`);
      if (time !== 'now' && answer.status < 300) throw new Error(`${call} is taken though it was signed at ${time}`);
      if (attempts % BETWEEN_GENUINE !== 0) return;
      const after = await bystander.report({
        inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments: [SOURCE] }],
      });
      if (after.status !== 200) throw new Error(`another agent is answered with ${after.status}: ${after.text}`);
    };
    return { attempt, [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose]() };
  },
};

function messageOf(call: string): object {
  if (call === 'poll') return { revision: null, waitSeconds: 0, answerKey: 'A'.repeat(43) };
  if (call === 'redeem')
    return { form: LINK_FORM, token: 'mlt_none', publicKey: 'A'.repeat(43), host: 'host-1', version: '1.0.0' };
  const progress = { state: 'COPYING', phases: [], warnings: [] };
  return {
    sequence: Date.now(),
    inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments: [SOURCE] }],
    validations: [{ id: newId(), status: 'FAILED', errorMessage: 'no', findings: [] }],
    migrations: [{ id: newId(), progress }],
    takenOver: [],
  };
}
