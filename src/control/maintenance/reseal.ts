import { failpoint } from '../../platform/index.ts';
import { audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';

/** Values per transaction; few, so that other writes don't wait long. */
const BATCH = 50;

/**
 * Reseals all values that were sealed with a former master key. After a kill at any point, the next call continues, because every value
 * opens with one of the keys.
 * @returns the number of resealed values
 */
export async function reseal({ store, sealer, clock }: Pick<Control, 'store' | 'sealer' | 'clock'>): Promise<number> {
  let total = 0;
  for (;;) {
    // Writes are serial, and values are sealed inside of them. So when a write finds no value of a former key, none can follow.
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
    await failpoint('control.reseal.batch');
  }
}
