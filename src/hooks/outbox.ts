import type { HookEvent } from './event.ts';

/** One event for one hook that is not delivered yet. */
export interface Delivery {
  readonly id: string;
  /** The name of the hook. */
  readonly hook: string;
  /** The migration. Events of one migration reach a hook in their order. */
  readonly subject: string;
  readonly event: HookEvent;
  /** Failed attempts. */
  readonly attempts: number;
}

/** The queue of a courier. The events that it has accepted survive the end of the process. */
export interface Outbox {
  /** Returns the oldest undelivered event of each migration and hook, for some of the hooks. */
  heads(hooks: readonly string[]): Promise<readonly Delivery[]>;
  delivered(delivery: Delivery): Promise<void>;
  /** Records a failed attempt. @param givenUp  whether no further one follows */
  failed(delivery: Delivery, reason: string, givenUp: boolean): Promise<void>;
}

/** Undelivered events of one hook, which organizations share. Beyond it, an event is given up at once. */
export const MOST_WAITING = 10_000;
