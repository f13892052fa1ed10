import { randomBytes } from 'node:crypto';
import type { DigestAnswer, DigestOffer, DigestQuestion, DigestResult } from '../../link/index.ts';
import { type Clock, UserError } from '../../platform/index.ts';

/** Longer than a helper needs for one batch of documents. The asking agent gives up a little later. */
const ANSWER_WITHIN_MS = 25_000;
/** A helper asks for work at least every 60 s, so by then one such request is missing. */
const GONE_AFTER_MS = 75_000;

/** The most open questions. Each has at most 8 KB, and one process relays for all organizations. */
export const MOST_OF_MIGRATION = 16;
export const MOST_OF_ORGANIZATION = 64;
const MOST_OPEN = 512;
/** The most requests for work of one helper that wait at once. */
const MOST_WAITING = 16;

interface Open {
  readonly id: string;
  readonly orgId: string;
  readonly migrationId: string;
  readonly helperId: string;
  readonly offer: DigestOffer;
  readonly question: DigestQuestion;
  readonly settle: (result: DigestResult) => void;
}

/** A question for a helper. */
export type DigestTask = Pick<Open, 'id' | 'offer' | 'question'>;

interface Helper {
  offers: readonly DigestOffer[];
  seenAtMs: number;
  readonly queue: Open[];
  /** Its waiting requests for work, the oldest first. */
  readonly waiting: Set<() => void>;
}

/**
 * Relays questions of agents to digest helpers, and the answers back, in memory only: a question lives for 25 s, and one that is lost costs
 * a read. The caller checks who may ask whom.
 */
export class DigestRelay {
  readonly #helpers = new Map<string, Helper>();
  readonly #open = new Map<string, Open>();
  readonly #ending = new AbortController();

  /** Whether an agent offers digests of a destination, and was heard of a moment ago. */
  offers(agentId: string, { projectId, clusterName }: DigestOffer, nowMs: number): boolean {
    const helper = this.#helpers.get(agentId);
    if (helper === undefined || nowMs - helper.seenAtMs > GONE_AFTER_MS) return false;
    return helper.offers.some((one) => one.projectId === projectId && one.clusterName === clusterName);
  }

  /**
   * Passes a question on to a helper, and waits for the answer.
   * @param helper   its id and host name
   * @param signal   ends the wait, because the asking agent has disconnected
   * @throws UserError DIGESTS_BUSY, DIGEST_UNANSWERED
   */
  async ask(
    asked: Omit<Open, 'id' | 'settle' | 'helperId'>,
    helper: { readonly id: string; readonly host: string },
    clock: Clock,
    signal: AbortSignal,
  ): Promise<DigestAnswer> {
    this.#refuseCrowd(asked);
    const { promise, resolve } = Promise.withResolvers<DigestResult>();
    const open: Open = { ...asked, id: randomBytes(16).toString('hex'), helperId: helper.id, settle: resolve };
    this.#open.set(open.id, open);
    const queue = this.#helpers.get(helper.id)?.queue;
    queue?.push(open);
    this.#wakeOne(helper.id);
    const answered = new AbortController();
    try {
      const ending = AbortSignal.any([signal, answered.signal, this.#ending.signal]);
      // rule: questions-expire
      const late = clock.sleep(ANSWER_WITHIN_MS, ending).then(() => ({ error: 'it is late, or gone' }));
      const result = await Promise.race([promise, late]);
      if ('error' in result) throw new UserError('DIGEST_UNANSWERED', [helper.host, result.error]);
      return result;
    } finally {
      answered.abort();
      this.#open.delete(open.id);
      if (queue?.includes(open)) queue.splice(queue.indexOf(open), 1);
    }
  }

  /**
   * Takes the answer to a question that the helper got, if it is still open.
   * @param id  the question's
   */
  answer(helperId: string, id: string, result: DigestResult): void {
    const open = this.#open.get(id);
    // rule: answer-own-questions
    if (open?.helperId === helperId) open.settle(result);
  }

  /**
   * Waits for the next question for a helper.
   * @param offers  the destinations that it offers digests of
   * @returns undefined when none has come
   */
  async next(
    helperId: string,
    offers: readonly DigestOffer[],
    { waitMs, clock, signal }: { readonly waitMs: number; readonly clock: Clock; readonly signal: AbortSignal },
  ): Promise<DigestTask | undefined> {
    const helper = this.#helpers.get(helperId) ?? { offers, seenAtMs: 0, queue: [], waiting: new Set<() => void>() };
    this.#helpers.set(helperId, helper);
    helper.offers = offers;
    helper.seenAtMs = clock.now();
    this.#forgetGone(clock.now());
    if (helper.queue.length === 0 && waitMs > 0 && helper.waiting.size < MOST_WAITING) {
      const woken = new AbortController();
      const wake = () => woken.abort();
      helper.waiting.add(wake);
      await clock.sleep(waitMs, AbortSignal.any([signal, woken.signal, this.#ending.signal]));
      helper.waiting.delete(wake);
    }
    if (!signal.aborted) return helper.queue.shift();
    // No one would receive it: another request takes it.
    if (helper.queue.length > 0) this.#wakeOne(helperId);
    return undefined;
  }

  /** Ends all waits, because the server stops. */
  close(): void {
    this.#ending.abort();
  }

  /** @throws UserError DIGESTS_BUSY */
  #refuseCrowd({ migrationId, orgId }: Pick<Open, 'migrationId' | 'orgId'>): void {
    const open = [...this.#open.values()];
    const ofMigration = open.filter((one) => one.migrationId === migrationId).length;
    const ofOrganization = open.filter((one) => one.orgId === orgId).length;
    // rule: most-open-digests
    if (ofMigration >= MOST_OF_MIGRATION || ofOrganization >= MOST_OF_ORGANIZATION || open.length >= MOST_OPEN)
      throw new UserError('DIGESTS_BUSY');
  }

  #wakeOne(helperId: string): void {
    const [wake] = this.#helpers.get(helperId)?.waiting ?? [];
    if (wake === undefined) return;
    // Not twice: each waiting request takes one question.
    this.#helpers.get(helperId)?.waiting.delete(wake);
    wake();
  }

  #forgetGone(nowMs: number): void {
    for (const [id, { seenAtMs, queue, waiting }] of this.#helpers)
      if (nowMs - seenAtMs > GONE_AFTER_MS && queue.length === 0 && waiting.size === 0) this.#helpers.delete(id);
  }
}
