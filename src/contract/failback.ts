import { z } from 'zod';
import { errorData } from './error-data.ts';
import { count, figure, listOf } from './primitives.ts';

/** The states of the failback of a reversible migration. `FINISHING` follows from the order; a record has the others. */
export const failbackState = z
  .enum(['PLANNED', 'PREPARING', 'FOLLOWING', 'FAILED', 'FINISHING', 'CLOSED', 'LOST'])
  .meta({
    description:
      '`PLANNED`: the next cutover opens it; `PREPARING`, `FOLLOWING`: the side without users follows the other one; ' +
      '`FAILED`: its engine has stopped, and begins again within a minute unless the error lasts; `FINISHING`: an operator closes it; ' +
      '`CLOSED` and `LOST` are final.',
  });

/** The failback of a direction that has cut over, as its engine reports it. */
export const failback = z.discriminatedUnion('state', [
  z.object({ state: z.literal('PREPARING') }).meta({ description: 'The engine has not opened it yet.' }),
  z.object({
    state: z.literal('FOLLOWING'),
    ready: z.boolean().meta({ description: 'Whether a cutover could begin at once after a reversal.' }),
    notReadyReasons: listOf(z.string()),
    lagSeconds: count.nullable(),
    oplogLeftSeconds: figure.optional().meta({ description: 'The headroom of the oplog on the side with users.' }),
    warnings: listOf(z.string()),
  }),
  z.object({ state: z.literal('FAILED'), error: errorData }).meta({ description: 'Its engine has stopped.' }),
  z.object({ state: z.literal('CLOSED') }).meta({ description: 'It is on record that no one may begin it again.' }),
]);

export type Failback = z.output<typeof failback>;
export type FailbackState = z.output<typeof failbackState>;
