import { addressGroup, type Clock, type Logger, messageOf } from '../../platform/index.ts';
import type { Store } from '../records/store-port.ts';
import { type Audited, type Author, audit, SYSTEM } from './audit.ts';
import { EventThrottle, type LeftOut } from './event-throttle.ts';
import { type SecurityEvent, shownName } from './security-event.ts';

/** Log lines of one type and client address in a minute, and how many addresses of a type have lines of their own. */
const LOGGED = { windowMs: 60_000, perKey: 5, keys: 50 };
/** Records of one type and organization in an hour; the store never forgets a record. */
const RECORDED = { windowMs: 3_600_000, perKey: 5, keys: 2_000 };
/** How often the summaries of windows that are over are looked for. */
const LOOK_EVERY_MS = 10_000;

interface SecurityEventsOptions {
  readonly store: Pick<Store, 'write'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Writes down what was refused for reasons of security: a line in the log, and for the owners of the organization concerned a record among its
 * events. Both are bounded however many attempts come, and say how many they left out. Nobody's answer waits for it, so the time of an answer
 * does not tell whether an organization was concerned.
 */
export class SecurityEvents {
  readonly #store: Pick<Store, 'write'>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #logged: EventThrottle;
  readonly #recorded: EventThrottle;
  readonly #writing = new Set<Promise<void>>();

  constructor({ store, clock, logger }: SecurityEventsOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.#logged = new EventThrottle(LOGGED, clock);
    this.#recorded = new EventThrottle(RECORDED, clock);
  }

  note(event: SecurityEvent): void {
    this.#turnWindows();
    const { type, address, orgId } = event;
    if (this.#logged.admit(type, addressGroup(address), address)) this.#logger.warn(lineOf(event), 'security event');
    if (orgId !== undefined && this.#recorded.admit(type, orgId, address))
      this.#write(authorOf(event), recordOf(event));
  }

  /** Writes summaries as their windows end, until `signal` aborts; then everything that is still to be written. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#turnWindows();
      await this.#clock.sleep(LOOK_EVERY_MS, signal);
    }
    await this.flush();
  }

  /** Ends both windows, and waits until all of it is in the store. */
  async flush(): Promise<void> {
    this.#summariseLog();
    this.#summariseRecords();
    await Promise.all(this.#writing);
  }

  #turnWindows(): void {
    if (this.#logged.isOver) this.#summariseLog();
    if (this.#recorded.isOver) this.#summariseRecords();
  }

  #summariseLog(): void {
    for (const { type, count, addresses } of this.#logged.drain()) {
      this.#logger.warn({ securityEvent: type, leftOut: count, addresses }, 'security events left out of the log');
    }
  }

  #summariseRecords(): void {
    for (const leftOut of this.#recorded.drain()) if (leftOut.key !== '') this.#write(SYSTEM, summaryOf(leftOut));
  }

  #write(author: Author, audited: Audited): void {
    const atMs = this.#clock.now();
    const written = this.#store
      .write((transaction) => audit(transaction, author, atMs, audited))
      .catch((error) => {
        this.#logger.error(
          { type: audited.eventTypeName, reason: messageOf(error) },
          'a security event was not stored',
        );
      })
      .finally(() => this.#writing.delete(written));
    this.#writing.add(written);
  }
}

function lineOf(event: SecurityEvent): object {
  const { type, address, reason, actor, claim, orgId } = event;
  const name = shownName(event);
  return {
    securityEvent: type,
    address,
    reason,
    ...(actor ? { actorKind: actor.kind, actorName: actor.name } : {}),
    ...(claim && name !== undefined ? { claimedKind: claim.kind, claimedName: name } : {}),
    ...(orgId === undefined ? {} : { orgId }),
  };
}

/** An actor without proof of its identity is not the author: the record names it as the target. */
function authorOf({ actor, address }: SecurityEvent): Author {
  return { ...(actor ?? { kind: SYSTEM.kind, name: SYSTEM.name }), remoteAddress: address };
}

const TARGETS = {
  'api key': 'targetPublicKey',
  'service account': 'clientId',
  agent: 'agentId',
  'link-token': 'linkTokenId',
} as const;

function recordOf(event: SecurityEvent & { readonly orgId?: string }): Audited {
  const { type, reason, claim, orgId = '' } = event;
  const name = shownName(event);
  const details = { reason, ...(claim && name !== undefined ? { [TARGETS[claim.kind]]: name } : {}) };
  return { eventTypeName: type, orgId, details };
}

function summaryOf({ key, type, count, addresses }: LeftOut): Audited {
  return { eventTypeName: type, orgId: key, details: { leftOut: count, addresses } };
}
