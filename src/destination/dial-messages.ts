import { z } from 'zod';

/** Maximum length of a text in an answer. Texts contain messages of the destination, so they are cut. */
const LONGEST_TEXT = 1000;
const text = z
  .string()
  .max(LONGEST_TEXT)
  .regex(/^\P{Cc}*$/u);

const rules = { connectionString: z.string().max(8192), allowedDestinations: z.array(z.string()) };

/** The request to a dialler process: one line of JSON on its stdin. Not an argument or environment variable, because it has passwords. */
export const dialRequest = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('check'), ...rules }),
  z.strictObject({
    act: z.literal('makeUser'),
    user: z.strictObject({
      name: z.string(),
      password: z.string(),
      reversible: z.boolean(),
      usersAndRoles: z.boolean(),
    }),
    ...rules,
  }),
  z.strictObject({ act: z.literal('dropUser'), name: z.string(), ...rules }),
]);
export type DialRequest = z.infer<typeof dialRequest>;

/** The errors that a dialler process can answer with. */
const dialErrorCode = z.enum([
  'DESTINATION_UNUSABLE',
  'DESTINATION_USER_REFUSED',
  'INVALID_DESTINATION_CONNECTION_STRING',
]);

/** A line of JSON that a dialler process writes: any number of refused connections, then one of the other lines. */
export const dialLine = z.union([
  z.strictObject({ refusal: text }),
  z.strictObject({ done: z.strictObject({ makesUsers: z.boolean().optional() }) }),
  z.strictObject({ failed: z.strictObject({ code: dialErrorCode, parameters: z.array(text).max(2) }) }),
  z.strictObject({ failed: z.strictObject({ message: text }) }),
]);
export type DialLine = z.infer<typeof dialLine>;
/** The line that ends the exchange. */
export type DialAnswer = Exclude<DialLine, { refusal: string }>;

/** Shortens a text for an answer, and removes control characters, which could reach a user's terminal. */
export function boundedText(given: string): string {
  const plain = given.replace(/\p{Cc}+/gu, ' ');
  return plain.length <= LONGEST_TEXT ? plain : `${plain.slice(0, LONGEST_TEXT - 1)}…`;
}

/** Whether a dialler process may answer with this error code. */
export function isDialErrorCode(code: string): code is z.infer<typeof dialErrorCode> {
  return dialErrorCode.safeParse(code).success;
}
