import { z } from 'zod';
import { GATE_GROUPS, GATE_STATES } from './gates.ts';
import { date, figure, listOf } from './primitives.ts';

/** One gate of a migration, as an engine reports it. */
export const gate = z.object({
  name: z
    .string()
    .meta({ description: 'Its stable name. docs/reference/readiness.md lists all; other versions may report others.' }),
  state: z.enum(GATE_STATES).meta({
    description:
      '`PASSED`; `WAITING`: it passes by itself; `BLOCKED`: an operator has to act; `UNKNOWN`: not measured, or not any more; ' +
      '`SKIPPED`: it does not apply to this migration.',
  }),
  value: figure,
  limit: figure,
  reasons: listOf(z.string()).meta({ description: 'Why it has this state; not empty unless it is passed.' }),
  measuredAt: date.nullable().meta({ description: 'When it was measured; null when it was not.' }),
  etaSeconds: figure.meta({ description: 'Estimated time until it passes.' }),
});

/** A gate with its declaration, as people and programs see it. */
export const shownGate = gate.extend({
  group: z.enum(GATE_GROUPS),
  title: z.string().meta({ description: 'What is true once it is passed.' }),
  refuses: z.boolean().meta({ description: 'Whether a cutover is refused until it is passed. The others are advice.' }),
  unit: z.string().nullable().meta({ description: 'The unit of value and limit.' }),
  action: z.string().meta({ description: 'What to do while it is not passed.' }),
});

export type Gate = z.output<typeof gate>;
export type ShownGate = z.output<typeof shownGate>;
