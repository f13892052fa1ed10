import type { Delivery, Outbox } from '../../hooks/index.ts';
import type { Control } from '../ports/control.ts';

/** The outbox of a server: its store. */
export class StoreOutbox implements Outbox {
  readonly #control: Pick<Control, 'store' | 'clock'>;

  constructor(control: Pick<Control, 'store' | 'clock'>) {
    this.#control = control;
  }

  async heads(hooks: readonly string[]): Promise<readonly Delivery[]> {
    const waiting = { hook: { in: hooks }, givenUpAtMs: null };
    return await this.#control.store.find('hookDeliveries', waiting, { firstOfEach: ['hook', 'subject'] });
  }

  async delivered({ id }: Delivery): Promise<void> {
    await this.#control.store.write((transaction) => transaction.delete('hookDeliveries', { id }));
  }

  async failed({ id }: Delivery, reason: string, givenUp: boolean): Promise<void> {
    const { store, clock } = this.#control;
    const atMs = clock.now();
    await store.write(async (transaction) => {
      const delivery = await transaction.get('hookDeliveries', id);
      if (delivery === undefined) return;
      const givenUpAtMs = givenUp ? atMs : null;
      await transaction.update('hookDeliveries', {
        ...delivery,
        attempts: delivery.attempts + 1,
        lastError: reason,
        givenUpAtMs,
      });
    });
  }
}
