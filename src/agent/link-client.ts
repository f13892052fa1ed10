import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import {
  type PollRequest,
  type RedeemRequest,
  type RedeemResponse,
  type Report,
  redeemResponse,
  reportResponse,
  signRequest,
  type WantedAgentState,
  wantedState,
} from '../link/index.ts';
import { type Clock, messageOf, UserError } from '../platform/index.ts';
import { toUserError } from './refusal.ts';

/** Longer than any long poll: a connection that a firewall has forgotten answers nothing for ever. */
const ANSWER_TIMEOUT_MS = 90_000;

/**
 * The agent's end of the link: signed JSON requests that it makes; nothing ever comes in.
 * Every call throws UserError: CONTROL_PLANE_UNREACHABLE for what may pass by itself, else what the control plane says.
 */
export class LinkClient {
  readonly #serverUrl: string;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  #agentId: string | undefined;

  /**
   * @param serverUrl  from the link-token
   * @param agentId    absent until the token is redeemed
   * @throws UserError CONTROL_PLANE_NOT_SECURE for plain HTTP to another machine: answers carry source and destination passwords
   */
  constructor(serverUrl: string, key: KeyObject, agentId: string | undefined, clock: Clock) {
    const { protocol, hostname } = new URL(serverUrl);
    const loopback = hostname === 'localhost' || hostname === '[::1]' || /^127\.[\d.]+$/.test(hostname);
    if (protocol !== 'https:' && !loopback) throw new UserError('CONTROL_PLANE_NOT_SECURE', [serverUrl]);
    this.#serverUrl = serverUrl;
    this.#key = key;
    this.#agentId = agentId;
    this.#clock = clock;
  }

  /** Redeems a link-token. Repeating it with the same key gives the same agent. */
  async redeem(request: RedeemRequest, signal?: AbortSignal): Promise<RedeemResponse> {
    const response = await this.#post('redeem', request, redeemResponse, signal);
    this.#agentId = response.agentId;
    return response;
  }

  /** Waits for the wanted state to differ from the one at `revision`. */
  poll(request: PollRequest, signal?: AbortSignal): Promise<WantedAgentState> {
    return this.#post('poll', request, wantedState, signal);
  }

  /** Says what is the case. @returns the highest sequence number that the control plane has seen of this agent */
  async report(report: Report, signal?: AbortSignal): Promise<number> {
    return (await this.#post('report', report, reportResponse, signal)).sequence;
  }

  async #post<Schema extends z.ZodType>(
    call: string,
    message: unknown,
    schema: Schema,
    signal: AbortSignal | undefined,
  ): Promise<z.output<Schema>> {
    const url = new URL(`${this.#serverUrl}/link/v1/${call}`);
    const body = JSON.stringify(message);
    const parts = { method: 'POST', target: url.pathname, body };
    const proof = signRequest(this.#key, parts, this.#agentId, this.#clock.now());
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    let status: number;
    let text: string;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...proof, 'content-type': 'application/json' },
        body,
        // Signed for this address alone; whoever could redirect it would see it.
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw new UserError('CONTROL_PLANE_UNREACHABLE', [this.#serverUrl, reasonOf(error)], { cause: error });
    }
    const answer = parseJson(text);
    if (status < 200 || status > 299) throw toUserError(this.#serverUrl, status, answer);
    const read = schema.safeParse(answer);
    if (!read.success) {
      throw new UserError('CONTROL_PLANE_UNREACHABLE', [
        this.#serverUrl,
        `its answer is not Linkspan's: ${z.prettifyError(read.error)}`,
      ]);
    }
    return read.data;
  }
}

/** `fetch` says only "fetch failed"; what failed is in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return messageOf(cause instanceof AggregateError ? cause.errors[0] : (cause ?? error));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
