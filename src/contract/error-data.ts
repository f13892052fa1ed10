import { z } from 'zod';

/** An error as data: a filled-in entry of the error catalogue. */
export const errorData = z.object({
  code: z.string().meta({ description: 'A code of the error list (docs/reference/errors.md).' }),
  message: z.string(),
  remedy: z.string(),
});

export type ErrorData = z.output<typeof errorData>;
