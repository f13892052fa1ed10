import type { z } from 'zod';

/**
 * Validates a value up to its first issue, or a few: a client could otherwise have the server collect a million of them.
 * zod's types keep this option of its parsers to themselves; zod sets it in its own `validate()`.
 */
export function validate<T>(schema: z.ZodType<T>, value: unknown): z.ZodSafeParseResult<T> {
  const untilFirstIssue: object = { abortEarly: true };
  return schema.safeParse(value, untilFirstIssue);
}
