import type { KeyObject } from 'node:crypto';
import {
  AnswerKey,
  type Deployment,
  LINK_FORM,
  loadSigningKey,
  newSigningKey,
  parseLinkToken,
  publicKeyOf,
  type RedeemResponse,
  signRequest,
} from '../../src/link/index.ts';
import type { ApiResponse, ControlPlane } from '../atlas-api/control-plane.ts';

export const SOURCE_PROJECT = '5'.repeat(24);

/** A deployment that the agent reports. */
export const SOURCE: Deployment = {
  name: 'source',
  managed: false,
  sharded: false,
  tlsEnabled: false,
  mongoDBVersion: '8.0.4',
  featureCompatibilityVersion: '8.0',
};

export interface SendOptions {
  readonly nowMs?: number;
  readonly signal?: AbortSignal;
  /** Additional headers. They replace signed headers of the same name. */
  readonly headers?: Record<string, string>;
}

/** An agent that sends single requests over the link. */
export class AgentClient {
  readonly #url: string;
  readonly #key: KeyObject;
  readonly #now: () => number;
  #sequence = 0;
  agentId: string | undefined;
  /** Public key of the control plane, from the token. */
  audience = '';

  constructor(url: string, key: KeyObject = loadSigningKey(newSigningKey()), now: () => number = Date.now) {
    this.#url = url;
    this.#key = key;
    this.#now = now;
  }

  redeem(token: string, host = 'host-1', form: number = LINK_FORM): Promise<ApiResponse> {
    this.audience = serverKeyOf(token);
    return this.send('redeem', { form, token, publicKey: publicKeyOf(this.#key), host, version: '1.0.0' });
  }

  /** Polls, and returns the answer after decryption. */
  async poll(revision: string | null, waitSeconds = 0, signal?: AbortSignal): Promise<ApiResponse> {
    const key = new AnswerKey();
    const answer = await this.send('poll', { revision, waitSeconds, answerKey: key.publicKey }, { signal });
    if (answer.status !== 200) return answer;
    const text = key.open(String(answer.json.sealed));
    return { ...answer, text, json: JSON.parse(text) };
  }

  report(content: object): Promise<ApiResponse> {
    const sequence = ++this.#sequence;
    return this.send('report', { sequence, validations: [], migrations: [], takenOver: [], ...content });
  }

  async send(call: string, message: unknown, options: SendOptions = {}): Promise<ApiResponse> {
    const body = JSON.stringify(message);
    const target = `/link/v1/${call}`;
    const signed = signRequest(this.#key, { method: 'POST', target, body }, this, options.nowMs ?? this.#now());
    const headers = { 'content-type': 'application/json', ...signed, ...options.headers };
    const answer = await fetch(this.#url + target, { method: 'POST', headers, body, signal: options.signal });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) };
  }
}

/** The control plane's public key from a token; empty for an invalid token. */
function serverKeyOf(token: string): string {
  try {
    return parseLinkToken(token).serverKey;
  } catch {
    return '';
  }
}

/**
 * Creates a link-token of the control plane's organization.
 * @param migrationHost  the only host that may redeem it
 * @param hosts          how many agents may redeem it; one by default
 */
export async function createToken(
  plane: ControlPlane,
  accessListIps: readonly string[] = [],
  migrationHost?: string,
  hosts?: number,
): Promise<string> {
  const path = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`;
  const body = { accessListIps, migrationHost, ...(hosts !== undefined && { linkspan: { hosts } }) };
  return String((await plane.api('POST', path, { body })).json.linkToken);
}

/** Links an agent, which redeems a token and reports one source cluster. @param given  the token; by default one for the host alone */
export async function linkAgent(plane: ControlPlane, host = 'host-1', given?: string): Promise<AgentClient> {
  const agent = new AgentClient(plane.url, undefined, () => plane.control.clock.now());
  const token = given ?? (await createToken(plane, [], host));
  const answer = (await agent.redeem(token, host)).json as unknown as RedeemResponse;
  agent.agentId = answer.agentId;
  await agent.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments: [SOURCE] }] });
  return agent;
}
