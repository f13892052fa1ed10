import { z } from 'zod';
import type { UserError } from '../platform/index.ts';

/** An error as data: a filled-in entry of the error catalogue. */
export const errorData = z.object({
  code: z.string().meta({ description: 'A code of the error list (docs/reference/errors.md).' }),
  message: z.string(),
  remedy: z.string(),
});

export type ErrorData = z.output<typeof errorData>;

/** Stands for the error of a failure that no agent has explained. */
export const UNEXPLAINED: ErrorData = { code: 'INTERNAL_ERROR', message: 'The migration failed.', remedy: '' };

/** Returns an error of the catalogue as data. */
export function errorDataOf({ code, message, remedy }: UserError): ErrorData {
  return { code, message, remedy };
}

/** Returns an error as one text, for fields of Atlas that have no other place for it. */
export function errorText({ message, remedy }: Pick<ErrorData, 'message' | 'remedy'>): string {
  return `${message} ${remedy}`.trim();
}
