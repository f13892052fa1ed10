import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import {
  AnswerKey,
  type PollRequest,
  pollResponse,
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
import type { LinkTransport } from './link-transport.ts';
import { toUserError } from './refusal.ts';

/** Longer than any long poll: a connection that a firewall has forgotten answers nothing for ever. */
const ANSWER_TIMEOUT_MS = 90_000;

/**
 * The agent's end of the link: signed JSON requests that it makes; nothing ever comes in.
 * Every call throws UserError: CONTROL_PLANE_UNREACHABLE for what may pass by itself, else what the control plane says.
 */
export class LinkClient {
  readonly #transport: LinkTransport;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #answerKey = new AnswerKey();
  #agentId: string | undefined;
  #clockAheadMs: number | undefined;

  /** @param agentId  absent until the token is redeemed */
  constructor(transport: LinkTransport, key: KeyObject, agentId: string | undefined, clock: Clock) {
    this.#transport = transport;
    this.#key = key;
    this.#agentId = agentId;
    this.#clock = clock;
  }

  /** How far this clock was ahead of the control plane's at its last answer, to the second; undefined before the first. */
  get clockAheadMs(): number | undefined {
    return this.#clockAheadMs;
  }

  /** Redeems a link-token. Repeating it with the same key gives the same agent. */
  async redeem(request: RedeemRequest, signal?: AbortSignal): Promise<RedeemResponse> {
    const response = await this.#post('redeem', request, redeemResponse, signal);
    this.#agentId = response.agentId;
    return response;
  }

  /** Waits for the wanted state to differ from the one at `revision`. */
  async poll(request: Omit<PollRequest, 'answerKey'>, signal?: AbortSignal): Promise<WantedAgentState> {
    const message: PollRequest = { ...request, answerKey: this.#answerKey.publicKey };
    const { sealed } = await this.#post('poll', message, pollResponse, signal);
    return this.#read(wantedState, this.#open(sealed));
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
    const path = `/link/v1/${call}`;
    const body = JSON.stringify(message);
    const proof = signRequest(this.#key, { method: 'POST', target: path, body }, this.#agentId, this.#clock.now());
    const headers = { ...proof, 'content-type': 'application/json' };
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const ending = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const { status, text, serverTimeMs } = await this.#transport.post(path, headers, body, ending);
    if (serverTimeMs !== undefined) this.#clockAheadMs = Math.floor(this.#clock.now() / 1000) * 1000 - serverTimeMs;
    const answer = parseJson(text);
    if (status < 200 || status > 299) throw toUserError(this.#transport.serverUrl, status, answer);
    return this.#read(schema, answer);
  }

  #read<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
    const read = schema.safeParse(answer);
    if (!read.success) throw this.#notOurs(z.prettifyError(read.error));
    return read.data;
  }

  #open(sealed: string): unknown {
    try {
      return parseJson(this.#answerKey.open(sealed));
    } catch (error) {
      throw this.#notOurs(`it is not sealed to this agent (${messageOf(error)})`);
    }
  }

  #notOurs(why: string): UserError {
    return new UserError('CONTROL_PLANE_UNREACHABLE', [
      this.#transport.serverUrl,
      `its answer is not Linkspan's: ${why}`,
    ]);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
