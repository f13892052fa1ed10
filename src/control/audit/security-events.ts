import { addressGroup, type Clock, type Logger, messageOf } from '../../platform/index.ts';
import type { Store } from '../records/store-port.ts';
import { type Audited, type Author, audit, SYSTEM } from './audit.ts';
import { EventThrottle, type LeftOut } from './event-throttle.ts';
import { SECURITY_EVENT_TYPES, type SecurityEvent, type SecurityEventType, shownName } from './security-event.ts';

/** Log lines per type and client address in a minute, and how many addresses of a type get their own lines. */
const LOGGED = { windowMs: 60_000, perKey: 5, keys: 50 };
/** Records per type and organization in an hour. The limit is low, because the store never deletes a record. */
const RECORDED = { windowMs: 3_600_000, perKey: 5, keys: 2_000 };
/** How often {@link SecurityEvents.keep} checks for windows that are over. */
const LOOK_EVERY_MS = 10_000;

interface SecurityEventsOptions {
  readonly store: Pick<Store, 'write'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Records attempts that were refused for security reasons: a log line, and an event for the owners of the affected organization. Both
 * are limited, and report how many attempts they left out. No answer waits for a record, so the time of an answer doesn't reveal
 * whether an organization was affected.
 */
export class SecurityEvents {
  readonly #store: Pick<Store, 'write'>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #logged: EventThrottle;
  readonly #recorded: EventThrottle;
  readonly #counts = new Map(SECURITY_EVENT_TYPES.map((type) => [type, 0]));
  readonly #writing = new Set<Promise<void>>();

  constructor({ store, clock, logger }: SecurityEventsOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.#logged = new EventThrottle(LOGGED, clock);
    this.#recorded = new EventThrottle(RECORDED, clock);
  }

  /** How many events of each type this process has seen, also those that no line and no record tells of. */
  get counts(): ReadonlyMap<SecurityEventType, number> {
    return this.#counts;
  }

  note(event: SecurityEvent): void {
    this.#turnWindows();
    const { type, address, orgId } = event;
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1);
    if (this.#logged.admit(type, addressGroup(address), address))
      this.#logger.warn({ event: 'security.event', ...lineOf(event) }, 'security event');
    if (orgId !== undefined && this.#recorded.admit(type, orgId, address))
      this.#write(authorOf(event), recordOf(event));
  }

  /** Writes summaries when their windows end, until `signal` aborts; then it writes all pending records. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#turnWindows();
      await this.#clock.sleep(LOOK_EVERY_MS, signal);
    }
    await this.flush();
  }

  /** Ends both windows, and waits until the store has all records. */
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
      this.#logger.warn(
        { event: 'security.events_left_out', securityEvent: type, leftOut: count, addresses },
        'security events left out of the log',
      );
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
          { event: 'security.event_not_stored', type: audited.eventTypeName, reason: messageOf(error) },
          'a security event was not stored',
        );
      })
      .finally(() => this.#writing.delete(written));
    this.#writing.add(written);
  }
}

function lineOf(event: SecurityEvent) {
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

/** The author of a record. An unauthenticated client is not the author; the record names it as the target. */
function authorOf({ actor, address }: SecurityEvent): Author {
  const { kind, name } = actor ?? SYSTEM;
  return { kind, name, remoteAddress: address };
}

const TARGETS = {
  API_KEY: 'targetPublicKey',
  SERVICE_ACCOUNT: 'clientId',
  AGENT: 'agentId',
  LINK_TOKEN: 'linkTokenId',
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
