import type { DiallingTenant } from '../control/index.ts';
import { UserError } from '../platform/index.ts';

/** Limits for the parallel connections to destinations. */
export interface SlotLimits {
  readonly inAll: number;
  readonly perOrganization: number;
  readonly perProject: number;
  /** How many registrations of one project may wait. */
  readonly waitingPerProject: number;
  /** How long a registration waits at most, in milliseconds. */
  readonly longestWaitMs: number;
}

/** `registration`: a client waits for the answer. `background`: Linkspan retries until it succeeds. */
export type DialPurpose = 'registration' | 'background';

interface Place extends DiallingTenant {
  readonly purpose: DialPurpose;
  /** Ends the wait for a slot. */
  readonly begin: () => void;
}

/**
 * Shares a few slots among tenants. A free slot goes to the organization with the fewest slots, and in it to the project with the fewest.
 * A tenant whose destinations hold all of its slots therefore never delays another tenant.
 */
export class DialSlots {
  readonly #limits: SlotLimits;
  readonly #taken = new Set<Place>();
  /** In the order of arrival. */
  readonly #waiting = new Set<Place>();

  constructor(limits: SlotLimits) {
    this.#limits = limits;
  }

  /**
   * Waits for a slot. Disposing the result returns it.
   * @param signal  ends the wait
   * @throws UserError DESTINATION_NOT_CHECKED when a registration waits too long or too many of its project wait; the signal's reason
   */
  async take({ orgId, groupId }: DiallingTenant, purpose: DialPurpose, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const { promise: begun, resolve: begin, reject } = Promise.withResolvers<void>();
    const place: Place = { orgId, groupId, purpose, begin };
    this.#waiting.add(place);
    this.#fill();
    if (this.#waiting.has(place)) await this.#wait(place, begun, reject, signal);
    return {
      [Symbol.dispose]: () => {
        this.#taken.delete(place);
        this.#fill();
      },
    };
  }

  async #wait(place: Place, begun: Promise<void>, reject: (reason: unknown) => void, signal: AbortSignal) {
    const { waitingPerProject, longestWaitMs } = this.#limits;
    const leave = (reason: unknown) => {
      this.#waiting.delete(place);
      reject(reason);
    };
    const abort = () => leave(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    let timer: NodeJS.Timeout | undefined;
    if (place.purpose === 'registration') {
      const tooLong = `the server was busy with other destinations for ${longestWaitMs / 1000} seconds`;
      timer = setTimeout(() => leave(new UserError('DESTINATION_NOT_CHECKED', [tooLong])), longestWaitMs);
      const before = [...this.#waiting].filter(
        ({ groupId, purpose }) => groupId === place.groupId && purpose === 'registration',
      );
      const tooMany = 'too many destinations of its project are being checked at the moment';
      if (before.length > waitingPerProject) leave(new UserError('DESTINATION_NOT_CHECKED', [tooMany]));
    }
    try {
      await begun;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  #fill(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#waiting.delete(next);
      this.#taken.add(next);
      next.begin();
    }
  }

  #next(): Place | undefined {
    const { inAll, perOrganization, perProject } = this.#limits;
    if (this.#taken.size >= inAll) return undefined;
    const taken = [...this.#taken];
    const [next] = [...this.#waiting]
      .map((place) => ({
        place,
        ofOrganization: taken.filter(({ orgId }) => orgId === place.orgId).length,
        ofProject: taken.filter(({ groupId }) => groupId === place.groupId).length,
        isBackground: Number(place.purpose === 'background'),
      }))
      .filter(({ ofOrganization, ofProject }) => ofOrganization < perOrganization && ofProject < perProject)
      // The sort is stable, so among equals the first to arrive wins.
      .sort(
        (a, b) => a.ofOrganization - b.ofOrganization || a.ofProject - b.ofProject || a.isBackground - b.isBackground,
      );
    return next?.place;
  }
}
