import { amended, FIRST_ORDER, inWords, type Order } from '../contract/index.ts';
import { UserError } from '../platform/index.ts';
import type { ReversibleMigration } from './reversible-migration.ts';

type Change = Partial<Omit<Order, 'revision' | 'direction'>>;

/**
 * The operator of a migration that runs in the same process: writes its orders, for `linkspan sync` and the library. A request
 * that the current state doesn't allow is refused here, and changes nothing. Repeating a call does no harm.
 */
export class Steering {
  readonly #migration: ReversibleMigration;
  #order: Order = FIRST_ORDER;

  constructor(migration: ReversibleMigration) {
    this.#migration = migration;
  }

  /** Pauses copy and changes. The source's oplog must last for the pause. @throws UserError WRONG_STATE while a cutover is wanted */
  pause(): void {
    if (this.#migration.wanted === 'CUTOVER') throw new UserError('WRONG_STATE', ['Pausing', 'cutting over']);
    this.#write({ wanted: 'PAUSED' });
  }

  /** Continues after {@link pause}. Changes nothing when no pause is wanted. */
  resume(): void {
    if (this.#migration.wanted === 'PAUSED') this.#write({ wanted: 'RUNNING' });
  }

  /** Cuts over now. @throws UserError NOT_READY_FOR_CUTOVER with the reasons */
  cutOver(): void {
    this.#refuseUnready();
    this.#write({ wanted: 'CUTOVER' });
  }

  /** Cuts over as soon as the migration is ready, also when it is paused or doesn't run yet. The timeline begins now. */
  cutOverOnceReady(): void {
    this.#write({ wanted: 'CUTOVER' });
  }

  /**
   * Rehearses the cutover: blocks the source for at most 200 ms, and never commits. The last of `cutoverAttempts` in the
   * progress has the result.
   * @param name  a number that grows with each rehearsal; one that was begun isn't begun again
   * @throws UserError NOT_READY_FOR_CUTOVER with the reasons, WRONG_STATE while another state is wanted
   */
  rehearse(name: number): void {
    const { wanted } = this.#migration;
    if (wanted !== 'RUNNING') throw new UserError('WRONG_STATE', ['Rehearsing', inWords(wanted)]);
    this.#refuseUnready();
    this.#write({ rehearsal: name });
  }

  /**
   * Takes back the request for a cutover, also while one is under way: it ends with the source open, and the migration
   * continues. Resolves when the source is open, also when an engine before this one has blocked it.
   * @throws UserError CUTOVER_COMMITTED once the commit was sent, WRONG_STATE before the migration runs, or when the run
   * ends without opening the source
   */
  async abortCutover(): Promise<void> {
    const { current } = this.#migration;
    current.refuseLateAbort();
    const wanted = current.wanted === 'CUTOVER' ? 'RUNNING' : current.wanted;
    this.#write({ wanted, abort: (this.#order.abort ?? 0) + 1 });
    await this.#migration.carriedOut();
  }

  /**
   * Cancels the migration permanently. Resolves when that is done. Before its run, it makes that run end cancelled.
   * @param drop  whether to drop the copied data too
   * @throws UserError WRONG_STATE past the cutover's point of no return, or the failure of the run
   */
  async cancel(drop: boolean): Promise<void> {
    this.#migration.current.refuseLateCancel();
    this.#write({ wanted: 'CANCELLED', drop });
    await this.#migration.carriedOut();
  }

  /**
   * Limits the initial sync. Takes effect at once. Changes are never limited: that would only add lag.
   * @param load  the fields to change; `copyBytesPerSecond` is null for no limit other than that of the options; `windows` replaces all hours with a load of their own
   */
  limit(load: Partial<Pick<Order, 'loadLevel' | 'copyBytesPerSecond' | 'windows'>>): void {
    this.#write(load);
  }

  /**
   * Applies the drops that wait for a confirmation, and all later ones of this run, however much they remove: those of the failback
   *  once there is one. Continues a direction whose source went back in its history before this confirmation.
   * @param confirmed  a number that grows with each confirmation
   */
  confirmDrops(confirmed: number): void {
    const direction = (this.#migration.failback ?? this.#migration.current).options.reversals ?? 0;
    this.#write({ drops: { direction, confirmed } });
  }

  /**
   * Makes the opposite direction of a migration that has cut over the current one: its next cutover returns to the old source.
   * @throws UserError WRONG_STATE unless a cutover is done and its failback is open, CUTOVER_RECORD_LOST when the record of
   * that cutover is gone, or the failure of the failback
   */
  async reverse(): Promise<void> {
    if (this.#migration.isReversing) return;
    const direction = this.#migration.direction + 1;
    await this.#tryTo({ direction, wanted: 'RUNNING', rehearsal: null, abort: null, finish: null });
  }

  /**
   * Closes the failback permanently: the old source follows no more changes, and stays blocked. It need not be reachable.
   * @throws UserError WRONG_STATE unless a cutover is done and its failback is open, FAILBACK_LOST, or CUTOVER_RECORD_LOST:
   * then the failback has ended, and no record shows that
   */
  async finish(): Promise<void> {
    await this.#tryTo({ finish: 'LAST' });
  }

  /** Writes an order that is withdrawn when it can't be carried out, so that it doesn't block other orders. */
  async #tryTo(change: Partial<Order>): Promise<void> {
    const before = this.#order;
    this.#follow(amended(before, change));
    try {
      await this.#migration.carriedOut();
    } catch (error) {
      this.#follow({ ...before, revision: this.#order.revision + 1 });
      throw error;
    }
  }

  #write(change: Change): void {
    this.#follow(amended(this.#order, { ...change, direction: this.#migration.direction }));
  }

  #follow(order: Order): void {
    this.#order = order;
    this.#migration.follow(order);
  }

  #refuseUnready(): void {
    const { state, readyForCutover, notReadyReasons } = this.#migration.progress();
    if (this.#migration.wanted === 'CUTOVER' || state === 'COMMITTING' || state === 'COMMITTED') return;
    if (!readyForCutover) throw new UserError('NOT_READY_FOR_CUTOVER', [notReadyReasons.join(', ')]);
  }
}
