import { z } from 'zod';

const MOST_LABELS = 32;

/** The name of a label, as in Kubernetes: letters, digits, `.`, `-`, `_` and `/`, with a letter or digit at both ends. */
const labelName = z
  .string()
  .regex(/^[A-Za-z0-9]([\w./-]{0,61}[A-Za-z0-9])?$/, 'must be the name of a label, such as team or example.com/wave');

/** A user's own labels of a migration, by name. */
export const labels = z
  .record(labelName, z.string().max(255))
  .refine((all) => Object.keys(all).length <= MOST_LABELS, `must have at most ${MOST_LABELS} labels`)
  .meta({
    maxProperties: MOST_LABELS,
    description: `Labels of your own, at most ${MOST_LABELS}: a name of up to 63 characters, and a value of up to 255.`,
  });

export type Labels = z.output<typeof labels>;

/** A user's own note about a migration. */
export const note = z.string().max(1_000).nullable().meta({
  description: 'A note of your own about the migration; null for none.',
});
