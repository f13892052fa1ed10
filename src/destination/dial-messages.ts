import { z } from 'zod';

/** The longest text that comes back. What a destination says goes into it, so it is cut there. */
const LONGEST_TEXT = 1000;
const text = z
  .string()
  .max(LONGEST_TEXT)
  .regex(/^\P{Cc}*$/u);

const rules = { connectionString: z.string().max(8192), allowedDestinations: z.array(z.string()) };

/** The request that a process is started for: one line of JSON that it reads. It has passwords, so it is neither an argument nor in the environment. */
export const dialRequest = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('check'), ...rules }),
  z.strictObject({
    act: z.literal('makeUser'),
    user: z.strictObject({ name: z.string(), password: z.string() }),
    ...rules,
  }),
  z.strictObject({ act: z.literal('dropUser'), name: z.string(), ...rules }),
]);
export type DialRequest = z.infer<typeof dialRequest>;

/** The errors that such a process can answer with. */
const dialErrorCode = z.enum([
  'DESTINATION_UNUSABLE',
  'DESTINATION_USER_REFUSED',
  'INVALID_DESTINATION_CONNECTION_STRING',
]);

/** A line of JSON that it writes: any number of connections that were refused, then one of the others. */
export const dialLine = z.union([
  z.strictObject({ refusal: text }),
  z.strictObject({ done: z.strictObject({ makesUsers: z.boolean().optional() }) }),
  z.strictObject({ failed: z.strictObject({ code: dialErrorCode, parameters: z.array(text).max(2) }) }),
  z.strictObject({ failed: z.strictObject({ message: text }) }),
]);
export type DialLine = z.infer<typeof dialLine>;
/** The line that ends the exchange. */
export type DialAnswer = Exclude<DialLine, { refusal: string }>;

/** A text as it may come back: short, and without control characters, which would reach somebody's terminal. */
export function boundedText(given: string): string {
  const plain = given.replace(/\p{Cc}+/gu, ' ');
  return plain.length <= LONGEST_TEXT ? plain : `${plain.slice(0, LONGEST_TEXT - 1)}…`;
}

/** Whether an error's code may cross. */
export function isDialErrorCode(code: string): code is z.infer<typeof dialErrorCode> {
  return dialErrorCode.safeParse(code).success;
}
