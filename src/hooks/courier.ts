import { type Clock, delayAfter, failpoint, type Logger, messageOf } from '../platform/index.ts';
import type { Hook } from './configuration.ts';
import { deliver } from './deliver.ts';
import { organizationOf } from './event.ts';
import type { Delivery, Outbox } from './outbox.ts';

/** Deliveries of one hook at the same time. Hooks don't wait for each other. */
const AT_ONCE = 2;
const LOOK_EVERY_MS = 1_000;
const BETWEEN_ATTEMPTS = { firstMs: 2_000, longestMs: 15 * 60_000 };
/** About three days. A count, because the clock may be set. */
const MOST_ATTEMPTS = 300;

interface Retry {
  readonly atMs: number;
  readonly attempts: number;
}

/** Delivers the events of an outbox to hooks: at least once, and in order for each migration. */
export class Courier {
  readonly #hooks: ReadonlyMap<string, Hook>;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #underWay = new Map<string, { readonly hook: string; readonly ended: Promise<void> }>();
  readonly #retries = new Map<string, Retry>();
  readonly #failing = new Set<string>();
  /** The number of the last attempt for each hook and organization. */
  readonly #turns = new Map<string, number>();
  #turn = 0;
  #isTold = false;

  constructor(
    hooks: readonly Hook[],
    outbox: Outbox,
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#hooks = new Map(hooks.map((hook) => [hook.name, hook]));
    this.#outbox = outbox;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Delivers until `signal` aborts. Ends the attempts under way, which a later process repeats. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look(signal);
      const some = [...this.#underWay.values()].map(({ ended }) => ended);
      const waking = new AbortController();
      const pause = this.#clock.sleep(LOOK_EVERY_MS, AbortSignal.any([signal, waking.signal]));
      await Promise.race([pause, ...some]);
      waking.abort();
    }
    await Promise.all([...this.#underWay.values()].map(({ ended }) => ended));
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      const heads = await this.#outbox.heads([...this.#hooks.keys()]);
      for (const hook of this.#hooks.values()) this.#startInTurn(hook, heads, signal);
      this.#isTold = false;
    } catch (error) {
      if (!this.#isTold)
        this.#logger.error(
          { event: 'hook.queue_unreadable', reason: messageOf(error) },
          'could not read the events for hooks',
        );
      this.#isTold = true;
    }
  }

  /** Starts as many attempts as a hook has room for: organizations take turns. */
  #startInTurn(hook: Hook, heads: readonly Delivery[], signal: AbortSignal): void {
    const due = new Set(heads.filter((delivery) => delivery.hook === hook.name && this.#isDue(delivery)));
    const busy = [...this.#underWay.values()].filter((one) => one.hook === hook.name).length;
    for (let free = AT_ONCE - busy; free > 0 && due.size > 0; free -= 1) {
      // rule: organizations-in-turn
      const next = [...due].reduce((first, one) => (this.#lastTurn(one) < this.#lastTurn(first) ? one : first));
      due.delete(next);
      this.#turns.set(turnOf(next), ++this.#turn);
      const ended = this.#attempt(hook, next, signal).finally(() => this.#underWay.delete(next.id));
      this.#underWay.set(next.id, { hook: hook.name, ended });
    }
  }

  #isDue({ id }: Delivery): boolean {
    return !this.#underWay.has(id) && this.#clock.elapsed() >= (this.#retries.get(id)?.atMs ?? 0);
  }

  #lastTurn(delivery: Delivery): number {
    return this.#turns.get(turnOf(delivery)) ?? 0;
  }

  async #attempt(hook: Hook, delivery: Delivery, signal: AbortSignal): Promise<void> {
    try {
      await deliver(hook, delivery.event, this.#clock, signal);
      await failpoint('hooks.sent');
      await this.#outbox.delivered(delivery);
      this.#retries.delete(delivery.id);
      if (this.#failing.delete(hook.name))
        this.#logger.info({ event: 'hook.recovered', hook: hook.name }, 'the hook takes events again');
    } catch (error) {
      if (!signal.aborted) await this.#fail(delivery, messageOf(error));
    }
  }

  async #fail(delivery: Delivery, reason: string): Promise<void> {
    const { hook, event } = delivery;
    const attempts = Math.max(delivery.attempts, this.#retries.get(delivery.id)?.attempts ?? 0) + 1;
    const givenUp = attempts >= MOST_ATTEMPTS;
    const told = { hook, eventId: event.id, type: event.type, attempts, reason };
    if (givenUp)
      this.#logger.error({ event: 'hook.event_given_up', ...told }, 'an event was given up: its hook failed too often');
    else if (!this.#failing.has(hook)) this.#logger.warn({ event: 'hook.failed', ...told }, 'a hook failed; retrying');
    this.#failing.add(hook);
    if (givenUp) this.#retries.delete(delivery.id);
    else {
      const atMs = this.#clock.elapsed() + delayAfter(attempts, BETWEEN_ATTEMPTS);
      this.#retries.set(delivery.id, { atMs, attempts });
    }
    await this.#outbox.failed(delivery, reason, givenUp).catch((error: unknown) => {
      this.#logger.error(
        { event: 'hook.failure_not_recorded', hook, reason: messageOf(error) },
        'could not record that a hook failed',
      );
    });
  }
}

function turnOf({ hook, event }: Delivery): string {
  return `${hook} ${organizationOf(event)}`;
}
