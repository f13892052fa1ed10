import { type DigestHelper, RangeDigester } from '../engine/index.ts';
import type { DigestAnswer, DigestOffer, DigestWork, DigestWorkRequest } from '../link/index.ts';
import { type Clock, failpoint, type Logger, messageOf, redact } from '../platform/index.ts';
import { Backoff } from './backoff.ts';
import type { AgentConfiguration } from './configuration.ts';
import type { LinkClient } from './link-client.ts';
import { deploymentAddress } from './source-address.ts';

const WAIT_SECONDS = 30;
/** The control plane forgets a question after 25 s. */
const ANSWER_WITHIN_MS = 25_000;
/** How many ranges are read at a time. Each takes the memory of one reply, at most 48 MB and mostly 4 MB. */
const AT_A_TIME = 4;

type Work = NonNullable<DigestWork['work']>;

/** Digests ranges of the destinations of a digest helper's configuration, for agents that ask by way of the control plane. */
export class DigestWorkers {
  readonly #client: Pick<LinkClient, 'workOnDigests'>;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #clusters: readonly { readonly offer: DigestOffer; readonly digester: RangeDigester }[];

  /** @param projects  the destinations; none for an agent that runs migrations */
  constructor(
    projects: AgentConfiguration['projects'],
    options: { readonly client: Pick<LinkClient, 'workOnDigests'>; readonly logger: Logger; readonly clock: Clock },
  ) {
    this.#client = options.client;
    this.#logger = options.logger;
    this.#clock = options.clock;
    this.#clusters = projects.flatMap(({ id, deployments }) =>
      deployments.map((one) => ({
        offer: { projectId: id, clusterName: one.name },
        digester: new RangeDigester(deploymentAddress(one)),
      })),
    );
  }

  /** Answers questions until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#clusters.length === 0) return;
    await Promise.all(Array.from({ length: AT_A_TIME }, () => this.#work(signal)));
    await Promise.all(this.#clusters.map(({ digester }) => digester[Symbol.asyncDispose]()));
  }

  async #work(signal: AbortSignal): Promise<void> {
    const offers = this.#clusters.map(({ offer }) => offer);
    const backoff = new Backoff();
    let answer: DigestWorkRequest['answer'];
    while (!signal.aborted) {
      const sent = { waitSeconds: WAIT_SECONDS, offers, ...(answer && { answer }) };
      answer = undefined;
      try {
        const { work } = await this.#client.workOnDigests(sent, signal);
        backoff.succeeded();
        if (work !== null) answer = { id: work.id, result: await this.#answer(work, signal) };
      } catch {
        // The poll for orders logs that the control plane is unreachable. The agent that asked reads the documents itself.
        if (!signal.aborted) await this.#clock.sleep(backoff.failed(), signal);
      }
    }
  }

  async #answer({ offer, question }: Work, signal: AbortSignal): Promise<DigestAnswer | { readonly error: string }> {
    const cluster = this.#clusters.find(
      (one) => one.offer.projectId === offer.projectId && one.offer.clusterName === offer.clusterName,
    );
    try {
      if (cluster === undefined) throw new Error('its configuration has no such cluster');
      const ending = AbortSignal.any([signal, this.#clock.timeout(ANSWER_WITHIN_MS)]);
      const digest = await cluster.digester.digest(question, ending);
      await failpoint('agent.digest.computed');
      return digest;
    } catch (error) {
      const reason = redact(messageOf(error));
      const { database, collection } = question;
      this.#logger.warn(
        { event: 'digest.unanswered', namespace: `${database}.${collection}`, reason },
        'cannot digest a range',
      );
      return { error: reason };
    }
  }
}

/** Returns the digest helper of a migration, which is asked by way of the control plane. */
export function helperBy(client: Pick<LinkClient, 'askForDigest'>, migrationId: string, host: string): DigestHelper {
  return { host, ask: (question, signal) => client.askForDigest({ migrationId, question }, signal) };
}
