import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import {
  AnswerKey,
  type DigestAnswer,
  type DigestAskRequest,
  type DigestWork,
  type DigestWorkRequest,
  digestAnswer,
  digestWork,
  isAnswerOf,
  type PollRequest,
  pollResponse,
  proofHeaders,
  type RedeemRequest,
  type RedeemResponse,
  type Report,
  type ReportResponse,
  redeemResponse,
  reportResponse,
  signedHead,
  signRequest,
  unlinkResponse,
  type WantedAgentState,
  wantedState,
} from '../link/index.ts';
import { type Clock, messageOf, UserError } from '../platform/index.ts';
import type { LinkTransport } from './link-transport.ts';
import { toUserError } from './refusal.ts';

/** Longer than any long poll. Without it, a connection that a firewall has dropped would wait forever. */
const ANSWER_TIMEOUT_MS = 90_000;

/** Identities of both sides of the link. */
export interface LinkIdentity {
  /** Absent until the token is redeemed. */
  readonly agentId: string | undefined;
  /** Public keys of the control plane, the newest first. The agent rejects answers that none of them has signed. */
  readonly serverKeys: readonly string[];
  /** Stores new keys that the control plane has announced. They are durable on return. Throws UserError when they can't be stored. */
  readonly keepServerKeys: (serverKeys: readonly string[]) => void;
}

/**
 * The agent's side of the link. It sends signed JSON requests; the control plane opens no connection to it. Every call throws UserError:
 * CONTROL_PLANE_UNREACHABLE and CONTROL_PLANE_ANSWER_UNSIGNED are transient, other codes come from the control plane.
 * The agent rejects every answer that the control plane did not sign for exactly the request that this agent sent, refusals included.
 */
export class LinkClient {
  readonly #transport: LinkTransport;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #answerKey = new AnswerKey();
  readonly #keepServerKeys: LinkIdentity['keepServerKeys'];
  #agentId: string | undefined;
  #serverKeys: readonly string[];
  #storedKeys: readonly string[];
  #keysUnstored: UserError | undefined;
  #clockAheadMs: number | undefined;

  constructor(
    transport: LinkTransport,
    key: KeyObject,
    { agentId, serverKeys, keepServerKeys }: LinkIdentity,
    clock: Clock,
  ) {
    this.#transport = transport;
    this.#key = key;
    this.#agentId = agentId;
    this.#serverKeys = serverKeys;
    this.#storedKeys = serverKeys;
    this.#keepServerKeys = keepServerKeys;
    this.#clock = clock;
  }

  /** How far this clock was ahead of the control plane's at its last answer, to the second; undefined before the first. */
  get clockAheadMs(): number | undefined {
    return this.#clockAheadMs;
  }

  /** Why the keys of the last poll are not stored; undefined while they are. The next poll tries again. */
  get keysUnstored(): UserError | undefined {
    return this.#keysUnstored;
  }

  /** Redeems a link-token. Repeating it with the same key gives the same agent. */
  async redeem(request: RedeemRequest, signal?: AbortSignal): Promise<RedeemResponse> {
    const response = await this.#post('redeem', request, redeemResponse, signal);
    this.#agentId = response.agentId;
    return response;
  }

  /** Waits for the wanted state to differ from the one at `revision`. Returns it also when its new keys can't be stored ({@link keysUnstored}). */
  async poll(request: Omit<PollRequest, 'answerKey'>, signal?: AbortSignal): Promise<WantedAgentState> {
    const wanted = await this.#postForSealed('poll', request, wantedState, signal);
    this.#serverKeys = wanted.serverKeys;
    this.#storeKeys();
    return wanted;
  }

  /** A full disk must not hold back orders. Without new keys on disk, a restarted agent trusts the former ones, which sign for 30 days more. */
  #storeKeys(): void {
    try {
      if (this.#serverKeys.join() !== this.#storedKeys.join()) this.#keepServerKeys(this.#serverKeys);
      this.#storedKeys = this.#serverKeys;
      this.#keysUnstored = undefined;
    } catch (error) {
      // rule: orders-without-stored-keys
      if (!(error instanceof UserError)) throw error;
      this.#keysUnstored = error;
    }
  }

  /** Sends a report of the actual state. Returns the highest sequence number that the control plane has received from this agent. */
  async report(report: Report, signal?: AbortSignal): Promise<ReportResponse> {
    return await this.#post('report', report, reportResponse, signal);
  }

  /** Asks the digest helper of a migration, by way of the control plane. */
  async askForDigest(request: Omit<DigestAskRequest, 'answerKey'>, signal: AbortSignal): Promise<DigestAnswer> {
    return await this.#postForSealed('digest-ask', request, digestAnswer, signal);
  }

  /** Answers the last question to this digest helper, and waits for the next one. */
  async workOnDigests(request: Omit<DigestWorkRequest, 'answerKey'>, signal: AbortSignal): Promise<DigestWork> {
    return await this.#postForSealed('digest-work', request, digestWork, signal);
  }

  async #postForSealed<Schema extends z.ZodType>(
    call: string,
    request: object,
    schema: Schema,
    signal: AbortSignal | undefined,
  ): Promise<z.output<Schema>> {
    const message = { ...request, answerKey: this.#answerKey.publicKey };
    const { sealed } = await this.#post(call, message, pollResponse, signal);
    return this.#read(schema, this.#open(sealed));
  }

  /** Reports that this side has ended the link. @returns whether the control plane has ended it as well */
  async unlink(signal?: AbortSignal): Promise<boolean> {
    return (await this.#post('unlink', {}, unlinkResponse, signal)).ended;
  }

  async #post<Schema extends z.ZodType>(
    call: string,
    message: unknown,
    schema: Schema,
    signal: AbortSignal | undefined,
  ): Promise<z.output<Schema>> {
    const path = `/link/v1/${call}`;
    const body = JSON.stringify(message);
    const parties = { agentId: this.#agentId, audience: this.#serverKeys[0] ?? '' };
    const head = { method: 'POST', target: path };
    const proof = signRequest(this.#key, { ...head, body }, parties, this.#clock.now());
    const headers = { ...proof, 'content-type': 'application/json' };
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const ending = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const { status, text, signature, serverTimeMs } = await this.#transport.post(path, headers, body, ending);
    const requestSignature = proof[proofHeaders.signature] ?? '';
    const answered = { requestHead: signedHead(head, proof), requestSignature, status, body: text };
    if (!isAnswerOf(this.#serverKeys, signature, answered)) throw this.#unsigned(status);
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

  /** The error of an answer without a valid signature. A 5xx usually comes from a proxy that cannot reach the control plane. */
  #unsigned(status: number): UserError {
    const { serverUrl } = this.#transport;
    if (status >= 500) return new UserError('CONTROL_PLANE_UNREACHABLE', [serverUrl, `HTTP ${status}`]);
    return new UserError('CONTROL_PLANE_ANSWER_UNSIGNED', [serverUrl, String(status)]);
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
