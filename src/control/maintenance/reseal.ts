import { reach } from '../../platform/index.ts';
import { audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';

/** Values of one transaction: others do not wait long for it. */
const BATCH = 50;

/**
 * Seals everything anew that is sealed with another master key than the one that seals now. Killed at any point, it goes on when it is
 * called again: every value opens with one of the keys.
 * @returns how many values there were
 */
export async function reseal({ store, sealer, clock }: Pick<Control, 'store' | 'sealer' | 'clock'>): Promise<number> {
  let total = 0;
  for (;;) {
    // Writes come one after the other, and seal within: when one finds nothing, no value under a former key is on its way any more.
    const count = await store.write(async (transaction) => {
      const values = await transaction.valuesNotSealedAs(sealer.mark, BATCH);
      for (const { place, value } of values) {
        await transaction.replaceSealed(place, sealer.seal(sealer.open(value, place), place));
      }
      if (values.length === 0 && total > 0) {
        const details = { values: total };
        // The record is about the whole server, so it has no organization.
        await audit(transaction, SYSTEM, clock.now(), { eventTypeName: 'MASTER_KEY_ROTATED', orgId: '', details });
      }
      return values.length;
    });
    if (count === 0) return total;
    total += count;
    await reach('control.reseal.batch');
  }
}
