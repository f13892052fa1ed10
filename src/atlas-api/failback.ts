import { z } from 'zod';
import { errorData, failbackState, listOf } from '../contract/index.ts';
import { activeSide, isFinishing, type MigrationView, stillBlocked } from '../control/index.ts';
import { atlasDate } from '../http/index.ts';

/** As long as a cutover window. The old source needs disk and load for all changes meanwhile. */
const LONG_OPEN_MS = 120 * 3_600_000;

/** Schema of the fields of a reversible migration in `linkspan`; all of them are absent for other migrations. */
export const failbackFields = {
  reversals: z.int().nonnegative().optional().meta({
    description: 'Reversible migrations: how often the direction was reversed.',
  }),
  activeSide: z
    .enum(['SOURCE', 'DESTINATION'])
    .optional()
    .meta({ description: "Reversible migrations: the side that takes users' writes." }),
  failback: z
    .object({
      state: failbackState,
      openSince: z.iso.datetime().optional().meta({ description: 'When the last cutover opened it.' }),
      ready: z.boolean().meta({ description: 'Whether a cutover could begin at once after a reversal.' }),
      lagSeconds: z.number().nullable(),
      notReadyReasons: listOf(z.string()),
      warnings: listOf(z.string()),
      error: errorData.optional(),
    })
    .optional()
    .meta({
      description: 'Reversible migrations: the failback to the side that had the users before the last cutover.',
    }),
};

type Shown = z.output<z.ZodObject<typeof failbackFields>>;

/** Shows the direction and the failback of a reversible migration. */
export function showFailback(view: MigrationView): Shown {
  const { state, failback: reported } = view;
  if (state.failback === undefined) return {};
  const follows = reported?.state === 'FOLLOWING' && !isFinishing(state) ? reported : undefined;
  const isOpen = state.status === 'COMPLETE' && state.endedAtMs === null;
  const isHeard = view.contact === null || view.contact.status === 'CONNECTED';
  return {
    reversals: state.order.direction,
    activeSide: activeSide(state),
    failback: {
      state: isFinishing(state) ? 'FINISHING' : state.failback,
      ...(isOpen && state.failbackSinceMs !== undefined && { openSince: atlasDate(state.failbackSinceMs) }),
      ready: (follows?.ready ?? false) && isHeard,
      lagSeconds: isHeard ? (follows?.lagSeconds ?? null) : null,
      notReadyReasons: follows?.notReadyReasons ?? [],
      warnings: [...warningsOf(view), ...(follows?.warnings ?? [])],
      ...(isOpen && reported?.state === 'FAILED' && { error: reported.error }),
    },
  };
}

function warningsOf({ id, state, atMs }: MigrationView): string[] {
  if (state.status !== 'COMPLETE') return [];
  if (state.failback === 'CLOSED') return [stillBlocked(state)];
  const openForMs = atMs - (state.failbackSinceMs ?? atMs);
  if (state.endedAtMs !== null || openForMs < LONG_OPEN_MS) return [];
  const hours = Math.floor(openForMs / 3_600_000);
  return [
    `The failback has been open for ${hours} h. The side without users needs disk and load for all changes until linkspan migration finish ${id} closes it.`,
  ];
}
